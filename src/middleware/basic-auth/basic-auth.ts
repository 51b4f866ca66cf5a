import { TurnpikeError } from '../../core/error.ts'
import { hash } from 'node:crypto'
import { FieldChanges } from '../../core/field-changes.ts'
import { parsePasswordHash } from '../../core/password-hash.ts'
import type { Exchange } from '../../engine/exchange.ts'
import { defineMiddleware } from '../../engine/middleware/middleware.ts'
import { Logins } from '../../engine/logins/logins.ts'
import { PasswordCheck } from '../../engine/logins/password-check.ts'
import { RecentLogins } from '../../engine/logins/recent-logins.ts'
import { basicAuthOptions } from './config.ts'

/** Asks for a user name and a password (RFC 7617). */
export const basicAuth = defineMiddleware({
  name: 'basicAuth',
  options: basicAuthOptions,
  create({ users, realm, forward }, scope, { services: { world } }) {
    const texts = Object.entries(users).map(([name, secret]) => [name, secret.reveal()] as const)
    const check = PasswordCheck.shared(scope)
    // A reload that changes no password lets nobody prove theirs anew.
    const logins = scope.shared(`basicAuth ${hash('sha256', JSON.stringify(texts))}`, () => {
      return new Logins(new Map(texts.map(([name, text]) => [name, parsePasswordHash(text)])), check, world)
    })
    const unseen = new FieldChanges({ remove: ['authorization'] })
    const refuse = (): never => {
      throw new TurnpikeError('ERR_AUTH_REQUIRED', {
        // RFC 9110 §11.6.1, RFC 7617 §2.1
        fields: [['WWW-Authenticate', `Basic realm="${realm}", charset="UTF-8"`]],
      })
    }
    const enter = (exchange: Exchange, user: string | null): void => {
      if (user === null) return refuse()
      exchange.user = user
      if (!forward) unseen.apply(exchange.headers)
    }
    const recent = new RecentLogins(world)
    return {
      request(exchange) {
        const { headers } = exchange
        const known = recent.find(headers)
        if (known !== null) return enter(exchange, known)
        const [value, ...more] = headers.getAll('authorization')
        // Of two, the upstream might believe the other one.
        if (value === undefined || more.length > 0) return refuse()
        const user = logins.userOf(value)
        if (typeof user === 'string') recent.remember(headers, user)
        if (typeof user !== 'object' || user === null) return enter(exchange, user)
        return user.then((found) => enter(exchange, found))
      },
    }
  },
})
