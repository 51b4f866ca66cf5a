/** Writes as many messages as its argument says to the operational log, and closes it. */
import { openLogger } from '../../src/control/open-logger.ts'
import { Ledger } from '../../src/engine/ledger.ts'
import { realWorld } from '../../src/engine/real-world.ts'

const { logger, close } = await openLogger({ level: 'info', world: realWorld(), ledger: new Ledger() })
for (let number = 0; number < Number(process.argv[2]); number++) logger.info('message', { number, text: 'ü' })
await close()
