// Holds a name of a store's folder until it is killed: `node lock-holder.ts FOLDER NAME`. Says `held` when it has it.
import { createEngine } from '../../../src/engine/engine.ts'
import { realWorld } from '../../../src/engine/real-world.ts'
import { Scope } from '../../../src/engine/scope.ts'
import { SharedStates } from '../../../src/engine/shared-states.ts'
import { DiskStore } from '../../../src/doors/goproxy/store/disk/disk-store.ts'
import { ModulePatterns } from '../../../src/gomod/module-pattern.ts'

const [, , path, name] = process.argv
const world = realWorld()
const services = createEngine({ world, observer: { routed() {}, finished() {} }, pseudonym: 'test' })
const scope = new Scope({ world, ledger: services.ledger, states: new SharedStates(), onError: () => {} })
const store = await DiskStore.open({ path: path! }, { services, scope, pinned: new ModulePatterns([]) })
await store.documents.exclusively(name!, () => {
  process.stdout.write('held\n')
  return new Promise(() => setInterval(() => {}, 60_000))
})
