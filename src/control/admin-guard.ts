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
  private readonly tokenHash: Buffer | null
  private readonly names: ReadonlySet<string>

  /** `token`: null for none. `names`: hosts that are accepted beside loopback and the address itself. */
  constructor(token: string | null, names: readonly string[]) {
    this.tokenHash = token === null ? null : hash(token)
    this.names = new Set(['localhost', ...names.map((name) => name.toLowerCase())])
  }

  /** The refusal, or null where the request may go on. */
  check(request: IncomingMessage): Answer | null {
    if (!this.hostAllowed(request)) {
      return problem(421, 'MISDIRECTED', 'The admin API does not answer for this Host.')
    }
    if (this.tokenHash !== null && !this.tokenMatches(request.headers.authorization)) {
      return {
        ...problem(401, 'UNAUTHORIZED', 'The admin API needs its token: Authorization: Bearer TOKEN.'),
        headers: { 'WWW-Authenticate': 'Bearer realm="turnpike"' },
      }
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return {
        ...problem(405, 'METHOD_NOT_ALLOWED', 'The admin API is read with GET.'),
        headers: { Allow: 'GET, HEAD' },
      }
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

function hash(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
