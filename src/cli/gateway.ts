import { ConfigError } from '../config/errors.ts'
import { loadConfigObject, type LoadedConfig } from '../config/load.ts'
import { formatAddress } from '../core/address.ts'
import { command, noPositionals, UsageError } from './command.ts'
import type { CliIo } from './io.ts'
import { serve } from './serve.ts'

const usage = `Usage: turnpike gateway --to URL [--listen ADDRESS]

A reverse proxy in one line: everything that comes to ADDRESS goes to URL.

      --to URL           http://host:port, https://host:port or unix:/path
      --listen ADDRESS   default: 127.0.0.1:8080
  -h, --help             shows this

Exit code: 0 it was told to stop, 1 the address is at fault, 2 wrong usage.
`

/** `turnpike gateway`: one listener, one upstream, no admin address. */
export const gateway = command(
  { usage, options: { to: { type: 'string' }, listen: { type: 'string' } } },
  async ({ values, positionals }, io) => {
    noPositionals(positionals)
    const { to, listen = '127.0.0.1:8080' } = values
    if (to === undefined) throw new UsageError('--to is missing: the URL of the service.')
    return serve(await oneLine(to, listen, io), io, (turnpike) => {
      io.stderr.write(`turnpike: http://${formatAddress(turnpike.addresses.get('web')!)} goes to ${to}\n`)
    })
  },
)

async function oneLine(to: string, listen: string, { cwd, env }: CliIo): Promise<LoadedConfig> {
  try {
    return await loadConfigObject(
      {
        listeners: { web: { address: listen, door: 'gateway' } },
        gateway: { routes: [{ name: 'all', to: 'app' }], upstreams: { app: { endpoints: [to] } } },
        admin: 'off',
      },
      { cwd, env },
    )
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new UsageError(error.problems.map(({ message }) => message).join('\n'), { cause: error })
  }
}
