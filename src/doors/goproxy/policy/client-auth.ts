import { createHmac, randomBytes } from 'node:crypto'
import { commonName } from '../../../core/common-name.ts'
import { configuredPassword } from '../../../core/configured-password.ts'
import { TurnpikeError } from '../../../core/error.ts'
import type { Exchange } from '../../../engine/exchange.ts'
import { Logins } from '../../../engine/logins/logins.ts'
import { PasswordCheck } from '../../../engine/logins/password-check.ts'
import { RecentLogins } from '../../../engine/logins/recent-logins.ts'
import type { Scope } from '../../../engine/scope.ts'
import type { World } from '../../../engine/world.ts'
import type { GoproxyConfig } from '../config.ts'

/** The name that a challenge has for what is protected. */
const REALM = 'Go modules'

/**
 * Who asks for modules: whom a verified client certificate names, else whom a password or token proves. Where the
 * config has `auth`, it must be somebody.
 */
export class ClientAuth {
  private readonly logins: Logins | null
  /** Names of tokens, by a keyed hash: how long a look-up takes says nothing of how much of a token is right. */
  private readonly tokens = new Map<string, string>()
  private readonly key = randomBytes(32)
  private readonly recent: RecentLogins
  private readonly refusal: TurnpikeError | null

  /** Throws ERR_CONFIG_INVALID for what looks like a hash and is none. */
  constructor(auth: GoproxyConfig['auth'], scope: Scope, world: Pick<World, 'now'>) {
    const users = Object.entries(auth?.basic?.users ?? {})
    this.logins =
      users.length === 0
        ? null
        : new Logins(
            new Map(
              users.map(([name, secret]) => [name, configuredPassword(`goproxy.auth.basic.users.${name}`, secret)]),
            ),
            PasswordCheck.shared(scope),
            world,
          )
    for (const [name, token] of Object.entries(auth?.bearer?.tokens ?? {})) {
      this.tokens.set(this.digest(token.reveal()), name)
    }
    this.recent = new RecentLogins(world)
    this.refusal = auth === null ? null : refusalOf(auth)
  }

  /**
   * Sets the exchange's user, at once where that is known. Throws, or rejects with, ERR_AUTH_REQUIRED (G7: 401, not
   * 404, so that GOAUTH is asked for credentials) or ERR_AUTH_BUSY.
   */
  identify(exchange: Exchange): Promise<void> | undefined {
    const certificate = exchange.session.tls?.clientCertificate ?? ''
    const certified = certificate === '' ? '' : commonName(certificate)
    if (certified !== '') {
      exchange.user = certified
      return undefined
    }
    if (this.refusal === null) return undefined
    const known = this.recent.find(exchange.headers)
    if (known !== null) {
      exchange.user = known
      return undefined
    }
    const [value, ...more] = exchange.headers.getAll('authorization')
    if (value === undefined || more.length > 0) throw this.refusal
    const user = this.userOf(value)
    if (user instanceof Promise) return user.then((found) => this.enter(exchange, found))
    this.enter(exchange, user)
    return undefined
  }

  private enter(exchange: Exchange, user: string | null): void {
    if (user === null) throw this.refusal!
    this.recent.remember(exchange.headers, user)
    exchange.user = user
  }

  private userOf(authorization: string): string | null | Promise<string | null> {
    // RFC 6750 §2.1
    const [, token] = /^Bearer +([\w\-.~+/]+=*)$/i.exec(authorization) ?? []
    if (token !== undefined) return this.tokens.get(this.digest(token)) ?? null
    return this.logins === null ? null : this.logins.userOf(authorization)
  }

  private digest(text: string): string {
    return createHmac('sha256', this.key).update(text).digest('base64')
  }
}

/** One for all: a flood is refused without a stack being taken down each time. */
function refusalOf({ basic, bearer }: NonNullable<GoproxyConfig['auth']>): TurnpikeError {
  // RFC 9110 §11.6.1, RFC 7617 §2.1, RFC 6750 §3
  const fields: [string, string][] = []
  if (basic !== undefined) fields.push(['WWW-Authenticate', `Basic realm="${REALM}", charset="UTF-8"`])
  if (bearer !== undefined) fields.push(['WWW-Authenticate', `Bearer realm="${REALM}"`])
  const message =
    'This module proxy needs credentials: for the go command, in a netrc file or by GOAUTH, which are sent over https alone.'
  return new TurnpikeError('ERR_AUTH_REQUIRED', { fields, message })
}
