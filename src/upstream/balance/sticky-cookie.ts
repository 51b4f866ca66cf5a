import { createHash } from 'node:crypto'
import { cookieValue } from '../../core/cookie.ts'
import type { Headers } from '../../core/headers.ts'
import type { Exchange } from '../../engine/exchange.ts'
import type { Balancer, Candidate, Candidates, TryObserver } from './balancer.ts'

/**
 * A client comes back to the member that served it first: a cookie names it. The name is a hash, so that it tells
 * nothing of the endpoint and is the same after a restart and in every instance.
 */
export class StickyCookie<C extends Candidate> implements Balancer<C>, TryObserver<C> {
  readonly learns = this
  private readonly cookie: string
  private readonly byToken = new Map<string, C>()
  private readonly tokens = new Map<C, string>()
  private readonly others: Balancer<C>

  /** `others` chooses for clients without the cookie, and where their own member is gone. `salt` keeps upstreams apart. */
  constructor(members: readonly C[], cookie: string, salt: string, others: Balancer<C>) {
    this.cookie = cookie
    this.others = others
    for (const member of members) {
      const token = createHash('sha256').update(`${salt} ${member.endpoint.url}`).digest('base64url').slice(0, 16)
      this.byToken.set(token, member)
      this.tokens.set(member, token)
    }
  }

  pick(exchange: Exchange, candidates: Candidates<C>): C | null {
    const token = cookieValue(exchange.headers, this.cookie)
    const own = token === undefined ? undefined : this.byToken.get(token)
    return own !== undefined && candidates.allows(own, true) ? own : this.others.pick(exchange, candidates)
  }

  replied(member: C, exchange: Exchange, headers: Headers): void {
    const token = this.tokens.get(member)!
    if (cookieValue(exchange.headers, this.cookie) === token) return
    const secure = exchange.session.tls === null ? '' : '; Secure'
    headers.append('Set-Cookie', `${this.cookie}=${token}; Path=/; HttpOnly; SameSite=Lax${secure}`)
  }

  failed(): void {}
}
