import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { CidrSet, isLoopback, type ListenAddress } from '../core/address.ts'
import { problem, type Answer } from './admin/answer.ts'

const loopback = new CidrSet(['127.0.0.0/8', '::1/128'])

/** Why the admin API may not listen there, or null where it may. */
export function adminAddressProblem(address: ListenAddress, hasToken: boolean): string | null {
  return hasToken || isLoopback(address) ? null : 'the admin address needs a token off loopback: token: { file: path }'
}

/** Refuses what should not be answered, before any endpoint is looked at. */
export class AdminGuard {
  private tokenHash: Buffer | null
  private readonly names: ReadonlySet<string>

  /** `token`: null for none. `names`: hosts that are accepted beside loopback and the address itself. */
  constructor(token: string | null, names: readonly string[]) {
    this.tokenHash = token === null ? null : hash(token)
    this.names = new Set(['localhost', ...names.map((name) => name.toLowerCase())])
  }

  /** Asks another token of the requests from here on; null for none. */
  set token(token: string | null) {
    this.tokenHash = token === null ? null : hash(token)
  }

  /** The refusal, or null where the request may go on. `method`: what the endpoint is asked with. */
  check(request: IncomingMessage, method: 'GET' | 'POST'): Answer | null {
    if (!this.hostAllowed(request)) {
      return problem(421, 'MISDIRECTED', 'The admin API does not answer for this Host.')
    }
    if (this.tokenHash !== null && !this.tokenMatches(request.headers.authorization)) {
      return {
        ...problem(401, 'UNAUTHORIZED', 'The admin API needs its token: Authorization: Bearer TOKEN.'),
        headers: { 'WWW-Authenticate': 'Bearer realm="turnpike"' },
      }
    }
    if (request.method !== method && !(method === 'GET' && request.method === 'HEAD')) {
      return {
        ...problem(405, 'METHOD_NOT_ALLOWED', `This is asked with ${method}.`),
        headers: { Allow: method === 'GET' ? 'GET, HEAD' : method },
      }
    }
    if (method !== 'GET' && this.tokenHash === null && !isSameOrigin(request)) {
      return problem(403, 'CROSS_ORIGIN', 'A page of another origin cannot change anything here.')
    }
    return null
  }

  /**
   * A page of somebody else's may have its own name resolve to us (DNS rebinding) and then read what it
   * likes, but its requests carry that name. Addresses cannot be rebound: ours are accepted.
   */
  private hostAllowed(request: IncomingMessage): boolean {
    const host = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+))(?::\d{1,5})?$/i.exec(request.headers.host ?? '')
    const name = (host?.[1] ?? host?.[2] ?? '').toLowerCase()
    if (isIP(name) === 0) return this.names.has(name)
    const bound = request.socket.localAddress
    return loopback.has(name) || this.names.has(name) || (bound !== undefined && new CidrSet([bound]).has(name))
  }

  private tokenMatches(field: string | undefined): boolean {
    const token = /^Bearer +(\S+)$/i.exec(field ?? '')?.[1] ?? ''
    // Hashes have one length, whatever was sent, so that comparing takes the same time.
    return this.tokenHash !== null && timingSafeEqual(hash(token), this.tokenHash)
  }
}

/** Browsers send at least one of the two fields with every POST of a page; other clients send neither. */
function isSameOrigin({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site']
  const { origin } = headers
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false
  return origin === undefined || origin.replace(/^https?:\/\//, '') === headers.host
}

function hash(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
