import type { LoadedConfig } from '../config/load.ts'
import { formatAddress } from '../core/address.ts'
import { TurnpikeError } from '../core/error.ts'
import { Turnpike, type TurnpikeOptions } from '../turnpike.ts'
import { FaultError } from './command.ts'
import { giveBack } from './give-back.ts'
import { exit, type CliIo } from './io.ts'
import { keepWarm } from './keep-warm.ts'

/** The first requests are answered before. */
const AFTER_START_MS = 1_000

/**
 * Runs a config until it is told to stop: the first signal drains, a second one stops at once.
 * `load` reads the config again: on SIGHUP and SIGUSR2, when asked by the admin API, and when its files change.
 * Throws a FaultError where an address cannot be bound.
 */
export async function serve(
  loaded: LoadedConfig,
  io: CliIo,
  started: (turnpike: Turnpike) => void,
  load?: TurnpikeOptions['load'],
): Promise<number> {
  keepWarm()
  const turnpike = await start(loaded, load)
  if (load !== undefined) turnpike.watch()
  const stopped = Promise.withResolvers<void>()
  const reread = (): void => {
    turnpike.reread('signal')?.catch(stopped.reject)
  }
  const reopen = (): void => {
    turnpike.reopenLogs().then(reread, stopped.reject)
  }
  const stop = (): void => {
    if (!turnpike.draining) io.stderr.write('turnpike: draining; a second signal stops at once\n')
    turnpike.stop().then(() => stopped.resolve(), stopped.reject)
  }
  // They stay to the end: a signal that comes while the process ends must not kill it.
  process.on('SIGHUP', reopen).on('SIGUSR2', reread).on('SIGINT', stop).on('SIGTERM', stop)
  started(turnpike)
  turnpike.services.world.setTimer(giveBack, AFTER_START_MS)
  await stopped.promise
  const { cut } = await turnpike.stop()
  io.stderr.write(cut === 0 ? 'turnpike: stopped\n' : `turnpike: stopped; ${cut} busy connections were cut\n`)
  return exit.ok
}

async function start(loaded: LoadedConfig, load?: TurnpikeOptions['load']): Promise<Turnpike> {
  try {
    return await Turnpike.start(loaded, load === undefined ? {} : { load })
  } catch (error) {
    if (!(error instanceof TurnpikeError)) throw error
    throw new FaultError(`turnpike: ${error.code}: ${error.message}`, { cause: error })
  }
}

/** Where each listener stands, a line each. */
export function listenerLines(turnpike: Turnpike): string {
  const lines = [...turnpike.addresses].map(([name, address]) => {
    const { tls } = turnpike.loaded.config.listeners[name]!
    return `  ${name.padEnd(10)} ${tls === undefined ? 'http' : 'https'}://${formatAddress(address)}`
  })
  return lines.join('\n')
}
