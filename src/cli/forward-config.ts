import { isIP } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { ConfigInput } from '../config/config.ts'
import { isLoopback } from '../core/address.ts'
import { UsageError } from './command.ts'
import type { CliIo } from './io.ts'

/** What `turnpike forward` was told: by its options, and by its environment. */
export interface OneLineForward {
  /** The address to listen on, without port. */
  host: string
  httpPort: number
  tlsPort: number
  /** Folder of the authority that the certificate of the TLS port is from. */
  authority: string
  allowFrom: readonly string[]
  /** The proxy to go through, as in `http://name:password@proxy.example:3128`; '' for none. */
  upstream: string
  /** Hosts that are reached without it. */
  noProxy: string
}

/** Reads the variables of the environment. Throws a UsageError. */
export function forwardEnvironment(
  env: CliIo['env'],
): Pick<OneLineForward, 'httpPort' | 'tlsPort' | 'upstream' | 'noProxy'> {
  return {
    httpPort: port('PROXY_HTTP_PORT', env['PROXY_HTTP_PORT'], 8080),
    tlsPort: port('PROXY_TLS_PORT', env['PROXY_TLS_PORT'], 8443),
    upstream: env['UPSTREAM_PROXY'] ?? '',
    noProxy: env['NO_PROXY'] ?? env['no_proxy'] ?? '',
  }
}

/** Where the authority of `turnpike forward` is when nobody says otherwise. */
export function defaultAuthority({ env }: CliIo): string {
  const data = env['XDG_DATA_HOME'] ?? ''
  return join(data.startsWith('/') ? data : join(env['HOME'] ?? homedir(), '.local', 'share'), 'turnpike', 'ca')
}

/** What `turnpike forward` runs. Throws a UsageError for a proxy to go through that is none. */
export function oneLineConfig({ host, httpPort, tlsPort, ...rest }: OneLineForward): ConfigInput {
  const { authority, allowFrom, upstream, noProxy } = rest
  const shown = isIP(host) === 6 ? `[${host}]` : host
  const local = isLoopback({ kind: 'tcp', host, port: httpPort })
  const given = allowFrom.length === 0 ? {} : { allowFrom: [...allowFrom] }
  return {
    listeners: {
      http: { address: `${shown}:${httpPort}`, door: 'forward', ...given },
      tls: {
        address: `${shown}:${tlsPort}`,
        door: 'forward',
        tls: { certificates: [{ authority, names: namesOf(host) }] },
        ...given,
      },
    },
    parents: upstream === '' ? {} : { upstream: parent(upstream, noProxy) },
    forward: {
      auth: 'off',
      connectPorts: 'any',
      // Who is on this machine reaches its own network anyway; who is not must not, by way of it.
      guard: { denyPrivate: !local, deny: ['169.254.0.0/16', 'fe80::/10'] },
      default: upstream === '' ? { direct: true } : { via: 'upstream' },
    },
    admin: 'off',
  }
}

function namesOf(host: string): string[] {
  const names = ['localhost', '127.0.0.1', '::1']
  return host === '' || host === '0.0.0.0' || host === '::' || names.includes(host) ? names : [...names, host]
}

function port(name: string, text: string | undefined, usual: number): number {
  if (text === undefined || text === '') return usual
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text)
  throw new UsageError(`${name}=${text} is no port.`)
}

function parent(text: string, noProxy: string): NonNullable<ConfigInput['parents']>[string] {
  const typed = /^[a-z0-9]+:\/\//i.test(text) ? text : `http://${text}`
  if (!URL.canParse(typed)) throw new UsageError('UPSTREAM_PROXY is no URL: write it as in http://proxy.example:3128')
  const { protocol, host, username, password } = new URL(typed)
  // What curl calls names that the proxy resolves: here it always does.
  const scheme = protocol.replace(/^socks5h:$/, 'socks5:').replace(/^socks4a:$/, 'socks4:')
  return {
    url: `${scheme}//${host}`,
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    except: exceptions(noProxy),
  }
}

/** NO_PROXY as curl and Go read it: a name is also every name below it. */
function exceptions(noProxy: string): string[] {
  return noProxy.split(',').flatMap((each) => {
    const name = each
      .trim()
      .replace(/^\*?\./, '')
      .replace(/:\d+$/, '')
    if (name === '' || name === '*') return []
    return name.includes('/') || isIP(name) !== 0 ? [name] : [name, `.${name}`]
  })
}
