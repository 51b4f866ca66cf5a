import { z } from 'zod'
import { choice, count, kindOf, offOr, parsed, pattern, positiveDuration } from '../../core/config-fields.ts'
import { fieldName, fieldValue, method, ownFieldName } from '../../core/field-schemas.ts'
import { isIPv6 } from '../../core/ip.ts'
import { LocationTemplate } from '../../core/location-template.ts'
import { parsePathPattern } from '../../core/path-pattern.ts'

const textError =
  (what: string) =>
  ({ input }: { input?: unknown }) =>
    typeof input === 'number' || typeof input === 'boolean'
      ? `expected ${what}: put it in quotes: "${input}"`
      : `expected ${what}, found ${kindOf(input)}`

const text = (what: string) => z.string({ error: textError(what) })

const host = parsed('a host name', (name) => {
  const shown = JSON.stringify(name)
  const plain = name.startsWith('*.') ? name.slice(2) : name
  if (name === '*') throw new RangeError('"*" is not needed: leave `host` out to match every host')
  if (/:\d+$/.test(plain) && !isIPv6(plain)) throw new RangeError(`${shown} holds a port: write the name alone`)
  if (plain.includes('*')) throw new RangeError(`${shown} has a star that is not its first label`)
  if (/[^\x21-\x7e]/.test(plain)) throw new RangeError(`${shown} holds a character outside ASCII: write the xn-- form`)
  const address = plain.startsWith('[') && plain.endsWith(']') ? plain.slice(1, -1) : plain
  if (isIPv6(address)) return `[${address.toLowerCase()}]`
  if (!/^[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*$/.test(plain)) {
    throw new RangeError(`${shown} is not a host name`)
  }
  return name.toLowerCase()
})

const replyFieldName = ownFieldName()

const wanted = (what: string) =>
  z.union(
    [
      z.string(),
      z.strictObject({ regex: pattern().describe('A regular expression (RE2) that matches somewhere in the value.') }),
    ],
    { error: textError(`${what} or { regex }`) },
  )

/** A path pattern, or `{ regex }`. */
const path = z.union(
  [
    parsed('a path', (value) => parsePathPattern(value).text),
    z.strictObject({
      regex: pattern().describe(
        'A regular expression (RE2) over the normalised path, matching anywhere unless it is anchored.',
      ),
    }),
  ],
  { error: ({ input }) => `expected a path or { regex }, found ${kindOf(input)}` },
)

/** What a request must be like. Absent keys match everything. */
const match = z.strictObject({
  host: host
    .optional()
    .describe('Host name: `api.example.com`, or `*.example.com` for every name below it. Absent: every host.'),
  path: path
    .optional()
    .describe(
      '`/a`; `/a/**` for `/a` and everything below it; `{name}` is one segment, `{name...}` the rest; or `{ regex }`. Absent: every path.',
    ),
  methods: z
    .array(method)
    .min(1)
    .optional()
    .describe('Methods, in capitals; GET serves HEAD too. Absent: every method.'),
  headers: z
    .record(fieldName, wanted('a header value'))
    .optional()
    .describe('Header fields that must be there with that value, or `{ regex }`. Absent: none.'),
  query: z
    .record(z.string(), wanted('a query value'))
    .optional()
    .describe('Query parameters that must be there with that value, or `{ regex }`. Absent: none.'),
  listener: z.string().optional().describe('Name of the listener that it came in by. Absent: every gateway listener.'),
})

const weighted = z.strictObject({
  upstream: z.string().min(1).describe('Name under `upstreams`.'),
  weight: count(0, 1_000_000).default(1).describe('Share of the requests, against the other weights; 0 for none.'),
})

/** The module proxy behind a route. */
const toGoproxy = z.strictObject({
  goproxy: z
    .strictObject({
      mount: parsed('a path', (value) => parsePathPattern(value).text)
        .refine((value) => /^(?:\/[A-Za-z0-9._~-]+)+$/.test(value), 'a mount is a plain path such as /go')
        .optional()
        .describe('The path below which it is: taken off before it reads the rest. Absent: none.'),
    })
    .describe('The module proxy that `goproxy` configures.'),
})

/** Where requests go: one upstream, or several with weights (checked, it is always a list), or the module proxy. */
const to = z.union(
  [z.string().transform((upstream) => [{ upstream, weight: 1 }]), z.array(weighted).min(1), toGoproxy],
  {
    error: ({ input }) =>
      `expected the name of an upstream, a list of { upstream, weight } or { goproxy }, found ${kindOf(input)}`,
  },
)

const redirectStatus = z.literal([301, 302, 303, 307, 308])
const template = (what: string) =>
  parsed(what, (value) => {
    void new LocationTemplate(value)
    return value
  })

const pathTemplate = template('a path').refine((value) => /^\/(?!\/)/.test(value), 'a path begins with one slash')

/** A redirect: the request's own URL with some parts replaced, or `to`. */
const redirect = z.strictObject({
  scheme: choice(['http', 'https']).optional().describe("Scheme of the new URL. Absent: the request's."),
  host: host.optional().describe("Host of the new URL. Absent: the request's."),
  port: count(1, 65_535).optional().describe("Port of the new URL. Absent: the scheme's own."),
  path: pathTemplate
    .optional()
    .describe(
      "Path of the new URL; `{name}` takes a capture of `match.path`. Absent: the request's path; the query stays.",
    ),
  to: template('a URL')
    .optional()
    .describe('The whole new URL or path; `{name}` takes a capture of `match.path`. Alone.'),
  status: redirectStatus.default(308).describe('Status: 301, 302, 303, 307 or 308.'),
})

/** A reply from the config. */
const respond = z.strictObject({
  status: count(200, 599).default(200).describe('Status of the reply.'),
  body: text('the body as text').default('').describe('Body, sent as UTF-8.'),
  headers: z
    .record(replyFieldName, fieldValue)
    .prefault({})
    .describe('Header fields; without `content-type`, `text/plain; charset=utf-8` is sent with a body.'),
})

const routeTimeouts = z.strictObject({
  total: positiveDuration()
    .optional()
    .describe(
      "From the request's first byte to the last that the endpoint sends of its reply, queue and retries included; not for WebSockets. Absent: no bound.",
    ),
  connect: positiveDuration().optional().describe("As in the upstream's `timeouts`. Absent: as there."),
  firstByte: positiveDuration().optional().describe("As in the upstream's `timeouts`. Absent: as there."),
  stall: positiveDuration().optional().describe("As in the upstream's `timeouts`. Absent: as there."),
})

/** One route: what it matches, and one of `to`, `redirect` and `respond`. */
export const routeSchema = z.strictObject({
  name: z.string().min(1).describe('Name, unique: what logs, metrics and `explain` show.'),
  match: match.prefault({}).describe('What a request must be like. Absent: every request.'),
  priority: z
    .int()
    .min(-1000)
    .max(1000)
    .default(0)
    .describe('Routes of higher priority are looked at first; within one, the most specific wins.'),
  to: to.optional().describe('An upstream, or a list of `{ upstream, weight }` to split requests between.'),
  redirect: redirect.optional().describe('Answers with a redirect.'),
  respond: respond.optional().describe('Answers from the config.'),
  upgrade: offOr(z.array(choice(['websocket'])).min(1), 'a list of protocols such as [websocket]')
    .prefault(['websocket'])
    .transform((protocols): string[] => protocols ?? [])
    .describe('Protocols that a client may switch to; `off` for none.'),
  timeouts: routeTimeouts
    .optional()
    .describe("Timers of its requests, in place of the upstream's. Absent: the upstream's."),
})

const streamName = parsed('a name, *.domain or *', (name) => {
  if (name === '*') return name
  // RFC 6066 §3: no address is ever asked for by SNI.
  if (/^(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?\.?$/.test(name) && !/(?:^|\.)\d+\.?$/.test(name))
    return name.toLowerCase().replace(/\.$/, '')
  throw new RangeError(`${JSON.stringify(name)} is neither a name, nor *.domain, nor *`)
})

/** TLS that is passed on to an upstream without being ended here. */
export const streamSchema = z.strictObject({
  name: z.string().min(1).describe('Name, unique among routes and streams: what logs, metrics and `explain` show.'),
  match: z
    .strictObject({
      sni: z
        .union([streamName.transform((one) => [one]), z.array(streamName).min(1)], {
          error: ({ input }) => `expected a name, *.domain or *, or a list, found ${kindOf(input)}`,
        })
        .describe(
          'Name in the ClientHello, or a list: `a.example`, `*.a.example` (every name below it), `*` (every name).',
        ),
      listener: z
        .string()
        .optional()
        .describe('Name of the listener that it came in by. Absent: every gateway listener with `tls` or `mode: sni`.'),
    })
    .describe('Which connections it takes.'),
  to: z.string().min(1).describe('Name under `upstreams`, one with `tcp://` endpoints.'),
  timeouts: z
    .strictObject({
      connect: positiveDuration().optional().describe("As in the upstream's `timeouts`. Absent: as there."),
      stall: positiveDuration().optional().describe("As in the upstream's `timeouts`. Absent: as there."),
    })
    .optional()
    .describe("Timers of its connections, in place of the upstream's. Absent: the upstream's."),
})

export type StreamConfig = z.output<typeof streamSchema>

/** A route as checked, defaults applied. */
export type RouteConfig = z.output<typeof routeSchema>
export type MatchConfig = RouteConfig['match']
export type RedirectConfig = NonNullable<RouteConfig['redirect']>
export type RespondConfig = NonNullable<RouteConfig['respond']>
