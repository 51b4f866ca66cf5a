import type { DialTarget } from '../../../engine/dial/dial.ts'
import { machineAuthorities } from '../../../engine/tls/machine-authorities.ts'
import type { UpstreamSecurity } from '../../../engine/tls/upstream-security.ts'
import { UpstreamTls } from '../../../engine/tls/upstream-tls.ts'
import type { GoproxyConfig } from '../config.ts'

/** How the config names a server. */
export type RedisConfig = NonNullable<GoproxyConfig['coordination']>['redis']

/** Where a Redis server is, and what is said to it first. */
export interface RedisAddress {
  /** For people: without what it takes to log in. */
  name: string
  target: DialTarget
  tls: UpstreamSecurity | null
  greeting: readonly (readonly string[])[]
}

const DEFAULT_PORT = 6379

/** Reads `redis://[user[:password]@]host[:port][/database]`, and `rediss://` for TLS. */
export function redisAddress({ url: text, username, password, ca }: RedisConfig): RedisAddress {
  const url = new URL(text)
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port)
  const user = username ?? decodeURIComponent(url.username)
  const secret = password?.reveal() ?? decodeURIComponent(url.password)
  const database = url.pathname.slice(1)
  return {
    name: `${url.protocol}//${url.hostname}:${port}`,
    target: { kind: 'tcp', host, port },
    tls:
      url.protocol === 'rediss:'
        ? new UpstreamTls({ ca: ca?.text ?? machineAuthorities(), minVersion: '1.2', verify: true })
        : null,
    greeting: [
      ...(secret === '' ? [] : [['AUTH', ...(user === '' ? [] : [user]), secret]]),
      ...(database === '' || database === '0' ? [] : [['SELECT', database]]),
    ],
  }
}
