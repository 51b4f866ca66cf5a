/** Logs as many exchanges as its argument says to standard output, says so on standard error, and closes the log. */
import { AccessLog } from '../../src/control/access-log.ts'
import { Ledger } from '../../src/engine/ledger.ts'
import { realWorld } from '../../src/engine/real-world.ts'
import { RequestIds } from '../../src/engine/request-id.ts'
import { finishedExchange } from './finished-exchange.ts'

const log = await AccessLog.open({
  to: 'stdout',
  remember: true,
  ids: new RequestIds('abc123'),
  world: realWorld(),
  ledger: new Ledger(),
  report: (text) => console.error(text),
  ringBytes: 4 << 20,
})
for (let sequence = 0; sequence < Number(process.argv[2]); sequence++) log.finish(finishedExchange({ sequence }))
setTimeout(() => {
  process.stderr.write('logged\n')
  setTimeout(() => void log.close(), 100)
}, 300)
