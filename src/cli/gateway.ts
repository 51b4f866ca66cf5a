import { parseArgs } from 'node:util'
import { ConfigError } from '../config/errors.ts'
import { loadConfigObject } from '../config/load.ts'
import { formatAddress } from '../core/address.ts'
import { exit, type CliIo } from './io.ts'
import { serve } from './serve.ts'

const help = `turnpike gateway --to URL [--listen ADDRESS]

A reverse proxy in one line: everything that comes to ADDRESS (127.0.0.1:8080)
goes to URL (http://host:port, https://host:port or unix:/path).
`

/** `turnpike gateway`: one listener, one upstream, no admin address. */
export async function gateway(args: string[], io: CliIo): Promise<number> {
  let values: { to?: string; listen?: string; help?: boolean }
  try {
    values = parseArgs({
      args,
      options: { to: { type: 'string' }, listen: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    }).values
    if (values.help) {
      io.stdout.write(help)
      return exit.ok
    }
    if (values.to === undefined) throw new Error('--to is missing: the URL of the service')
  } catch (error) {
    io.stderr.write(`turnpike gateway: ${(error as Error).message}\n${help}`)
    return exit.usage
  }
  try {
    const loaded = await loadConfigObject({
      listeners: { web: { address: values.listen ?? '127.0.0.1:8080', door: 'gateway' } },
      gateway: {
        routes: [{ name: 'all', to: 'app' }],
        upstreams: { app: { endpoints: [values.to] } },
      },
      admin: 'off',
    })
    return await serve(loaded, io, (turnpike) => {
      io.stderr.write(`turnpike: http://${formatAddress(turnpike.addresses.get('web')!)} goes to ${values.to}\n`)
    })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const { message } of error.problems) io.stderr.write(`turnpike gateway: ${message}\n`)
    return exit.usage
  }
}
