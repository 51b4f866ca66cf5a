// Appends versions to the checksum database of a store until it is killed: `node log-writer.ts FOLDER NAME MODULE FIRST`.
// Says each one's number on standard output when it was logged.
import { createEngine } from '../../../src/engine/engine.ts'
import { realWorld } from '../../../src/engine/real-world.ts'
import { Scope } from '../../../src/engine/scope.ts'
import { SharedStates } from '../../../src/engine/shared-states.ts'
import { DiskStore } from '../../../src/doors/goproxy/store/disk/disk-store.ts'
import { OwnSumdb } from '../../../src/doors/goproxy/trust/own-sumdb.ts'
import { ModulePatterns } from '../../../src/gomod/module-pattern.ts'

const [, , path, name, module, first] = process.argv
const world = realWorld()
const services = createEngine({ world, observer: { routed() {}, finished() {} }, pseudonym: 'test' })
const onError = (error: unknown): void => {
  process.stderr.write(`${String(error)}\n`)
}
const scope = new Scope({ world, ledger: services.ledger, states: new SharedStates(), onError })
const { documents } = await DiskStore.open({ path: path! }, { services, scope, pinned: new ModulePatterns([]) })
const database = new OwnSumdb({ name: name!, key: null, scope, documents, hashes: () => Promise.resolve(null) })

// The world's timers keep no process alive, and a wait for a lock is nothing else.
setInterval(() => {}, 60_000)
for (let number = Number(first); ; number += 3) {
  // Some with one signed head, so that tiles fill up in the middle of an append.
  const together = [number, number + 1, number + 2].map(async (each) => {
    await database.add(module!, `v0.0.${each}`, `h1:zip${each}=`, `h1:mod${each}=`)
    process.stdout.write(`${each}\n`)
  })
  await Promise.all(together)
}
