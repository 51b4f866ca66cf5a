// Writes versions into the folder of a store until it is killed: `node store-writer.ts FOLDER MODULE FIRST`.
// Says each one's number on standard output when it was committed.
import { createHash, randomBytes, randomInt } from 'node:crypto'
import { createEngine } from '../../../src/engine/engine.ts'
import { realWorld } from '../../../src/engine/real-world.ts'
import { Scope } from '../../../src/engine/scope.ts'
import { SharedStates } from '../../../src/engine/shared-states.ts'
import { DiskStore } from '../../../src/doors/goproxy/store/disk/disk-store.ts'
import { ModulePatterns } from '../../../src/gomod/module-pattern.ts'
import { sampleVersion, staged } from '../../contracts/module-store.ts'

const [, , path, module, first] = process.argv
const world = realWorld()
const services = createEngine({ world, observer: { routed() {}, finished() {} }, pseudonym: 'test' })
const onError = (error: unknown): void => {
  process.stderr.write(`${String(error)}\n`)
}
const scope = new Scope({ world, ledger: services.ledger, states: new SharedStates(), onError })
const store = await DiskStore.open({ path: path! }, { services, scope, pinned: new ModulePatterns([]) })

// The world's timers keep no process alive, and a wait for a lock is nothing else.
setInterval(() => {}, 60_000)
for (let number = Number(first); ; number++) {
  const zip = randomBytes(randomInt(1, 300_000))
  const version = sampleVersion(module!, `v0.0.${number}`, zip)
  // Whoever writes it: the same contents, in other bytes.
  version.zip!.h1 = `h1:${createHash('sha256').update(`${number}`).digest('base64')}`
  version.info = Buffer.from(JSON.stringify({ Version: version.version, By: process.pid }))
  if (number % 2 === 1) await store.put({ ...version, zip: null }, null)
  const file = await staged(store, zip)
  await store.put(version, file)
  await file.discard()
  process.stdout.write(`${number}\n`)
}
