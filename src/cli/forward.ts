import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { createAuthority } from '../certs/create-authority.ts'
import { ConfigError } from '../config/errors.ts'
import { loadConfigObject, type LoadedConfig } from '../config/load.ts'
import { formatAddress } from '../core/address.ts'
import { command, FaultError, noPositionals } from './command.ts'
import { defaultAuthority, forwardEnvironment, oneLineConfig, type OneLineForward } from './forward-config.ts'
import type { CliIo } from './io.ts'
import { serve } from './serve.ts'

const usage = `Usage: turnpike forward [--listen HOST] [--allow-from RANGE]… [--ca DIR]

A forward proxy in one line: HTTP, CONNECT, SOCKS4, SOCKS4a and SOCKS5 on both of
its ports, the second one also over TLS.

      --listen HOST      address to listen on, without port; default: 127.0.0.1
      --allow-from RANGE who may use it, as in 10.0.0.0/8; needed off loopback
      --ca DIR           authority of the TLS port's certificate, made where there
                         is none; default: turnpike/ca in the user's data folder
  -h, --help             shows this

Environment:
  PROXY_HTTP_PORT        default: 8080
  PROXY_TLS_PORT         default: 8443
  UPSTREAM_PROXY         proxy to go through: http://, https://, socks5:// or socks4://
                         [NAME:PASSWORD@]HOST:PORT; default: none
  NO_PROXY               hosts that are reached without that one

Where it listens on loopback, every address but link-local ones may be reached
through it; elsewhere public ones alone.

Exit code: 0 it was told to stop, 1 an address is at fault, 2 wrong usage.
`

const options = {
  listen: { type: 'string' },
  'allow-from': { type: 'string', multiple: true },
  ca: { type: 'string' },
} as const

/** `turnpike forward`: a proxy on two ports, no admin address. */
export const forward = command({ usage, options }, async ({ values, positionals }, io) => {
  noPositionals(positionals)
  const authority = values.ca === undefined ? defaultAuthority(io) : resolve(io.cwd, values.ca)
  const asked: OneLineForward = {
    ...forwardEnvironment(io.env),
    host: values.listen ?? '127.0.0.1',
    authority,
    allowFrom: values['allow-from'] ?? [],
  }
  const config = oneLineConfig(asked)
  if (!existsSync(authority)) await createAuthority(authority)
  return serve(await load(config, io), io, ({ addresses }) => {
    const [http, tls] = ['http', 'tls'].map((name) => formatAddress(addresses.get(name)!))
    const through = config.parents?.['upstream']?.url
    io.stderr.write(
      `turnpike: forward proxy on http://${http} and https://${tls}; SOCKS on both ports\n` +
        (through === undefined ? '' : `  through    ${through}\n`) +
        `  authority  ${authority}\n` +
        `  use it by  eval "$(turnpike env forward --url http://${http})"\n` +
        `  or         curl -x http://${http} https://example.com/\n`,
    )
  })
})

async function load(config: ReturnType<typeof oneLineConfig>, { cwd, env }: CliIo): Promise<LoadedConfig> {
  try {
    return await loadConfigObject(config, { cwd, env })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new FaultError(error.problems.map(({ message }) => `turnpike: ${message}`).join('\n'), { cause: error })
  }
}
