import { hash } from 'node:crypto'
import { basicCredentials } from '../../../core/basic-credentials.ts'
import { commonName } from '../../../core/common-name.ts'
import { configuredPassword } from '../../../core/configured-password.ts'
import { TurnpikeError } from '../../../core/error.ts'
import { FieldChanges } from '../../../core/field-changes.ts'
import type { Headers } from '../../../core/headers.ts'
import type { LoginConfig } from '../../../core/login-schema.ts'
import { Logins } from '../../../engine/logins/logins.ts'
import { PasswordCheck } from '../../../engine/logins/password-check.ts'
import { RecentLogins } from '../../../engine/logins/recent-logins.ts'
import type { Scope } from '../../../engine/scope.ts'
import type { Session } from '../../../engine/session.ts'
import type { World } from '../../../engine/world.ts'

const unseen = new FieldChanges({ remove: ['proxy-authorization'] })

/** F6: who a client is to this proxy is nobody else's business. */
export function hideLogin(headers: Headers): void {
  if (headers.has('proxy-authorization')) unseen.apply(headers)
}

/** How clients say who they are. */
export class ProxyLogin {
  /** What is answered to who does not. One for all: a flood is refused without a stack being taken down each time. */
  readonly refusal: TurnpikeError
  private readonly logins: Logins | null
  private readonly recent: RecentLogins
  private readonly users: ReadonlyMap<string, string> | null
  private readonly certificates: boolean

  /** `place`: of the config, for errors. Throws ERR_CONFIG_INVALID for what looks like a hash and is none. */
  constructor({ basic, clientCertificates }: LoginConfig, place: string, scope: Scope, world: Pick<World, 'now'>) {
    this.logins = basic === undefined ? null : sharedLogins(basic.users, place, scope, world)
    this.recent = new RecentLogins(world, 'proxy-authorization')
    this.certificates = clientCertificates !== undefined
    const subjects = clientCertificates?.subjects
    this.users =
      subjects === undefined
        ? null
        : new Map(Object.entries(subjects).map(([user, subject]) => [normalSubject(subject), user]))
    this.refusal =
      basic === undefined
        ? // RFC 9110 §15.5.8: a 407 has a challenge, and for certificates there is none.
          new TurnpikeError('ERR_PROXY_AUTH', { status: 403, message: 'The proxy wants a valid client certificate.' })
        : // RFC 9110 §11.7.1, RFC 7617 §2.1
          new TurnpikeError('ERR_PROXY_AUTH', {
            fields: [['Proxy-Authenticate', `Basic realm="${basic.realm}", charset="UTF-8"`]],
          })
  }

  /** Whom the client certificate of a connection names, '' for nobody. */
  certified({ tls }: Session): string {
    const subject = tls?.clientCertificate ?? ''
    if (!this.certificates || subject === '') return ''
    return this.users === null ? commonName(subject) : (this.users.get(normalSubject(subject)) ?? '')
  }

  /** Whom the `Proxy-Authorization` of a request proves, null for nobody. Rejects with ERR_AUTH_BUSY. */
  userOf(headers: Headers): string | null | Promise<string | null> {
    if (this.logins === null) return null
    const known = this.recent.find(headers)
    if (known !== null) return known
    const [value, ...more] = headers.getAll('proxy-authorization')
    if (value === undefined || more.length > 0) return null
    const user = this.logins.userOf(value)
    if (typeof user === 'string') this.recent.remember(headers, user)
    return user
  }

  /** The user whose name and password these are, null for nobody. Rejects with ERR_AUTH_BUSY. */
  userBy(username: string, password: string): string | null | Promise<string | null> {
    // RFC 7617 §2: no user's name has a colon.
    if (this.logins === null || username.includes(':')) return null
    return this.logins.userOf(basicCredentials({ username, password }))
  }
}

/** A reload that changes no password lets nobody prove theirs anew. */
function sharedLogins(
  users: NonNullable<LoginConfig['basic']>['users'],
  place: string,
  scope: Scope,
  world: Pick<World, 'now'>,
): Logins {
  const known = new Map(
    Object.entries(users).map(([name, secret]) => [name, configuredPassword(`${place}.basic.users.${name}`, secret)]),
  )
  const texts = Object.entries(users).map(([name, secret]) => [name, secret.reveal()])
  const check = PasswordCheck.shared(scope)
  return scope.shared(`logins ${hash('sha256', JSON.stringify(texts))}`, () => new Logins(known, check, world))
}

/** RFC 4514 §2.1 separates by commas; people write a blank behind them too (§3 allows for it in RFC 2253's readers). */
function normalSubject(subject: string): string {
  return subject.replaceAll(/(?<!\\)\s*,\s*/g, ',').trim()
}
