import { z } from 'zod'
import { choice, count, kindOf, parsed } from '../../core/config-fields.ts'
import { fieldName } from '../../core/field-schemas.ts'
import { parseRate } from '../../core/units.ts'

const rate = parsed(
  'a rate such as 100/s or 60/m',
  (text) => {
    const parsedRate = parseRate(text)
    if (parsedRate.count === 0) throw new RangeError(`${JSON.stringify(text)} lets nothing through`)
    return parsedRate
  },
  'rate',
  '/s, /m or /h',
)

const by = z.union(
  [
    choice(['clientIp', 'route', 'global']),
    z.strictObject({
      header: fieldName.describe('Field whose value tells requests apart; those without it count by client address.'),
    }),
  ],
  { error: ({ input }) => `expected clientIp, route, global or { header: name }, found ${kindOf(input)}` },
)

/** Options of `rateLimit`. */
export const rateLimitOptions = z
  .strictObject({
    rate: rate.describe('Requests in the long run, for each key: `100/s`, `60/m`, `1000/h`.'),
    burst: count(1).optional().describe('Requests at once, after a quiet time. Absent: the number in `rate`.'),
    by: by
      .prefault('clientIp')
      .describe('What shares a limit: `clientIp`, `route`, `global`, or `{ header: x-api-key }`.'),
    ipv6Prefix: count(1, 128)
      .default(64)
      .describe('Bits of an IPv6 address that count: 64 is what one customer gets. IPv4 addresses count whole.'),
    maxKeys: count(1, 10_000_000)
      .default(100_000)
      .describe(
        'Keys that are told apart at once, at some 100 bytes each; beyond, those that used the least are forgotten.',
      ),
  })
  .describe('Lets so many requests through in so long.')

export type RateLimitOptions = z.output<typeof rateLimitOptions>
