import { isatty } from 'node:tty'
import type { Ledger } from '../engine/ledger.ts'
import type { World } from '../engine/world.ts'
import { LineRing } from './line-ring.ts'
import { Logger, type LogLevel } from './logger.ts'
import { openLogTarget } from './log-target.ts'
import { LogWriter } from './log-writer.ts'

const RING_BYTES = 262_144
const STDERR = 2

/**
 * A logger on standard error that never waits for who reads it: text on a terminal, else JSON lines.
 * `close` writes what is left.
 */
export async function openLogger(options: {
  level: LogLevel
  world: World
  ledger: Ledger
}): Promise<{ logger: Logger; close: () => Promise<void> }> {
  const { level, world, ledger } = options
  const ring = new LineRing(RING_BYTES, true)
  const target = await openLogTarget('stderr')
  // There is nowhere left to report to.
  const writer = new LogWriter({ ring, target, world, ledger, report: () => {}, flushMs: 0 })
  const logger = new Logger({
    level,
    format: isatty(STDERR) ? 'text' : 'json',
    wallClock: () => world.wallClock(),
    write: (line) => {
      ring.add(Buffer.from(line).toString('latin1'))
      writer.added()
    },
  })
  return { logger, close: () => writer.close() }
}
