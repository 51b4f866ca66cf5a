import { z } from 'zod'
import { choice, notOneOf, parsed } from '../../core/config-fields.ts'
import { fieldName } from '../../core/field-schemas.ts'

const cookieName = parsed('a cookie name', (name) => {
  // RFC 6265 §4.1.1: a token.
  if (/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) return name
  throw new RangeError(`${JSON.stringify(name)} is not a cookie name`)
})

const hashWords = ['clientIp', 'path'] as const

const hashBy = z.union(
  [
    choice(hashWords),
    z.strictObject({ header: fieldName.describe('Name of a header field.') }),
    z.strictObject({ cookie: cookieName.describe('Name of a cookie.') }),
  ],
  { error: ({ input }) => `expected clientIp, path, { header } or { cookie }, ${notOneOf(hashWords, input)}` },
)

const affinity = z
  .strictObject({
    hash: hashBy
      .optional()
      .describe('What binds a request to an endpoint: `clientIp`, `path`, `{ header }` or `{ cookie }`.'),
    sticky: z
      .strictObject({ cookie: cookieName.describe('Name of the cookie.') })
      .optional()
      .describe('Sets a cookie, so that a client comes back to the endpoint that served it first.'),
  })
  .transform(({ hash, sticky }, context) => {
    if (hash !== undefined && sticky === undefined) return { hash }
    if (sticky !== undefined && hash === undefined) return { sticky }
    context.issues.push({ code: 'custom', message: 'write one of `hash` and `sticky`', input: hash })
    return z.NEVER
  })

const balanceWords = ['roundRobin', 'leastConnections', 'random', 'peakEwma'] as const

/** How an endpoint is chosen, checked. */
export const balance = z.union([choice(balanceWords), affinity], {
  error: ({ input }) =>
    `expected one of ${balanceWords.join(', ')}, { hash } or { sticky }, ${notOneOf(balanceWords, input)}`,
})

/** How an endpoint is chosen. */
export type BalanceConfig = z.output<typeof balance>
