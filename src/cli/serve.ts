import type { LoadedConfig } from '../config/load.ts'
import { formatAddress } from '../core/address.ts'
import { TurnpikeError } from '../core/error.ts'
import { Turnpike } from '../turnpike.ts'
import { exit, type CliIo } from './io.ts'

/** Runs a config until it is told to stop: the first signal drains, a second one stops at once. */
export async function serve(
  loaded: LoadedConfig,
  io: CliIo,
  started: (turnpike: Turnpike) => void | Promise<void>,
): Promise<number> {
  let turnpike: Turnpike
  try {
    turnpike = await Turnpike.start(loaded)
  } catch (error) {
    if (!(error instanceof TurnpikeError)) throw error
    io.stderr.write(`turnpike: ${error.code}: ${error.message}\n`)
    return exit.fault
  }
  const stopped = untilSignal(turnpike, io)
  await started(turnpike)
  return stopped
}

function untilSignal(turnpike: Turnpike, io: CliIo): Promise<number> {
  const reopen = (): void => {
    turnpike.reopenLogs().catch((error: unknown) => io.stderr.write(`turnpike: error: ${String(error)}\n`))
  }
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      const asked = turnpike.draining
      if (!asked) io.stderr.write('turnpike: draining; a second signal stops at once\n')
      const report = turnpike.stop()
      if (asked) return
      report.then(({ cut }) => {
        io.stderr.write(cut === 0 ? 'turnpike: stopped\n' : `turnpike: stopped; ${cut} busy connections were cut\n`)
        process.off('SIGHUP', reopen)
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop)
        resolve(exit.ok)
      }, reject)
    }
    process.on('SIGHUP', reopen)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop)
  })
}

/** Where each listener stands, a line each. */
export function listenerLines(turnpike: Turnpike): string {
  const lines = [...turnpike.addresses].map(([name, address]) => {
    const { tls } = turnpike.loaded.config.listeners[name]!
    return `  ${name.padEnd(10)} ${tls === undefined ? 'http' : 'https'}://${formatAddress(address)}`
  })
  return lines.join('\n')
}
