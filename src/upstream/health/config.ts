import { z } from 'zod'
import { choice, count, kindOf, parsed, pattern, percentage, positiveDuration } from '../../core/config-fields.ts'
import { fieldValue, ownFieldName } from '../../core/field-schemas.ts'

/** Statuses from the first to the last, both included. */
export interface StatusRange {
  first: number
  last: number
}

const statusRange = z.union(
  [
    count(200, 599).transform((status): StatusRange => ({ first: status, last: status })),
    parsed(
      'a status such as 204 or 200-399',
      (text): StatusRange => {
        const [, first, last = first] = /^([2-5]\d\d)(?:-([2-5]\d\d))?$/.exec(text) ?? []
        if (first === undefined || Number(first) > Number(last))
          throw new RangeError(`${JSON.stringify(text)} is not a range of statuses such as 200-399`)
        return { first: Number(first), last: Number(last) }
      },
      'status range',
    ),
  ],
  { error: ({ input }) => `expected a status such as 204 or a range such as 200-399, found ${kindOf(input)}` },
)

const probePath = parsed('a path', (text) => {
  if (/^\/[\x21-\x7e]*$/.test(text) && !text.includes('#')) return text
  throw new RangeError(`${JSON.stringify(text)} is not a path: begin with a slash, percent-encode what is not ASCII`)
})

const probeHost = parsed('a host', (text) => {
  if (/^(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/.test(text)) return text
  throw new RangeError(`${JSON.stringify(text)} is not a host`)
})

const bodyMatch = z.union(
  [
    z
      .string()
      .min(1)
      .transform((text) => ({ text })),
    z.strictObject({
      regex: pattern().describe('A regular expression (RE2) that matches somewhere in the body.'),
    }),
  ],
  { error: ({ input }) => `expected text or { regex }, found ${kindOf(input)}` },
)

const active = z.strictObject({
  kind: choice(['http', 'tcp', 'tls'])
    .default('http')
    .describe(
      'What is tried: a request (by HTTP/2 where the upstream has `http2`), a connection, or a connection and its TLS handshake.',
    ),
  path: probePath.default('/').describe('Path that is asked for, with its query.'),
  method: choice(['GET', 'HEAD']).default('GET').describe('Method.'),
  host: probeHost.optional().describe("`Host` that is sent. Absent: the endpoint's own name."),
  headers: z
    .record(ownFieldName(['host']), fieldValue)
    .prefault({})
    .describe('Further header fields. Absent: `user-agent` alone.'),
  status: z.array(statusRange).min(1).prefault(['200-399']).describe('Statuses that pass: `204`, `200-399`.'),
  body: bodyMatch
    .optional()
    .describe('Text that must stand in the first 64 KiB of the body, or `{ regex }`. Absent: any body passes.'),
  port: count(1, 65_535).optional().describe("Port that is probed. Absent: the endpoint's own."),
  interval: positiveDuration()
    .prefault('5s')
    .describe('From one probe to the next; each comes up to a tenth earlier, so that not all come at once.'),
  timeout: positiveDuration()
    .prefault('1s')
    .describe('For the whole probe: name, connection, handshake, reply and its body.'),
  healthyAfter: count(1, 1000)
    .default(2)
    .describe('Probes in a row that must pass until an endpoint that is down is up.'),
  unhealthyAfter: count(1, 1000)
    .default(3)
    .describe('Probes in a row that must fail until an endpoint that is up is down.'),
  initial: choice(['inherit', 'up', 'down'])
    .default('inherit')
    .describe(
      'Before the first probe: `inherit` what was known before a reload, else up; `up`; or `down`, until one probe has passed.',
    ),
})

const causes = ['connectFailure', 'timeout', 'reset', '5xx'] as const

const cause = z.union([count(500, 599).transform(String), choice(causes)], {
  error: ({ input }) => `expected ${causes.join(', ')} or a status from 500 to 599, found ${kindOf(input)}`,
})

const passive = z.strictObject({
  failures: count(1, 1000)
    .default(5)
    .describe('Requests in a row that must fail, with no other between, until it is ejected.'),
  within: positiveDuration().prefault('10s').describe('Time in which these failures must lie.'),
  ejectFor: positiveDuration()
    .prefault('30s')
    .describe(
      'How long it is ejected the first time; twice as long each time that it does not hold out, eight times at most.',
    ),
  maxEjected: percentage().prefault('50%').describe('Most endpoints of the upstream that may be ejected at a time.'),
  on: z
    .array(cause)
    .min(1)
    .prefault(['connectFailure', 'timeout', 'reset', 502, 503, 504])
    .describe(
      'What counts as a failure: no connection, a timer of the upstream, a broken connection or reply, statuses from 500; `5xx` for all of those.',
    ),
})

/** How it is known which endpoints can be sent to. */
export const healthSchema = z.strictObject({
  active: active.optional().describe('Probes. Absent: none.'),
  passive: passive.optional().describe('Ejection of endpoints whose requests fail. Absent: none.'),
  panicThreshold: percentage()
    .prefault('50%')
    .describe(
      'Where fewer of the endpoints are fit than this, requests go to all of them: the rest would fall under the load of all.',
    ),
})

/** Health as checked, defaults applied, times in ms, shares from 0 to 1. */
export type HealthConfig = z.output<typeof healthSchema>
export type ActiveHealthConfig = NonNullable<HealthConfig['active']>
export type PassiveHealthConfig = NonNullable<HealthConfig['passive']>
