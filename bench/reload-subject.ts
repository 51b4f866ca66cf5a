/* A Turnpike in a process of its own that writes its config again and again, and prints how each reload went. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../src/config/load.ts'
import { loadOffLoop } from '../src/load-off-loop.ts'
import { Turnpike } from '../src/turnpike.ts'
import { manyRoutes } from '../test/reload/ten-thousand.ts'

const [routes = '10000', rounds = '5'] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'turnpike-bench-'))
const file = join(folder, 'turnpike.yaml')
writeFileSync(file, manyRoutes(Number(routes), 'start'))
const silent = { error() {}, warn() {}, info() {}, debug() {} }
const turnpike = await Turnpike.start(await loadConfig(file), {
  logger: silent,
  load: (context) => loadOffLoop(file, {}, context),
})
const bound = turnpike.addresses.get('web')!
console.log(JSON.stringify({ port: bound.kind === 'tcp' ? bound.port : 0 }))
let last = performance.now()
let longest = 0
setInterval(() => {
  const now = performance.now()
  longest = Math.max(longest, now - last - 1)
  last = now
}, 1)
for (let round = 1; round <= Number(rounds); round++) {
  longest = 0
  writeFileSync(file, manyRoutes(Number(routes), `round-${round}`))
  const report = await turnpike.reread('bench')!
  // What the generation before it leaves behind is part of the reload.
  while (turnpike.services.ledger.count('generations') > 1) await new Promise((resolve) => setTimeout(resolve, 10))
  console.log(JSON.stringify({ result: report.result, durationMs: report.durationMs, longestMs: longest }))
}
await turnpike.stop(0)
rmSync(folder, { recursive: true })
process.exit(0)
