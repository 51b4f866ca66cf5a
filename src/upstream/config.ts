import { z } from 'zod'
import {
  choice,
  count,
  file,
  kindOf,
  notOneOf,
  parentNames,
  percentage,
  positiveDuration,
} from '../core/config-fields.ts'
import { method } from '../core/field-schemas.ts'
import { isIPv4, isIPv6 } from '../core/ip.ts'
import { balance } from './balance/config.ts'
import { healthSchema } from './health/config.ts'

/** One place that requests are sent to. */
export interface EndpointConfig {
  /** As the config names it: what logs and metrics show. */
  url: string
  tls: boolean
  /** Bytes are passed on to it as they are: for streams, and for nothing else. */
  raw: boolean
  /** Where to connect: a TCP port of a name or address, or a Unix socket. */
  target: { kind: 'tcp'; host: string; port: number } | { kind: 'unix'; path: string }
  /** Its own name, sent as Host with `host: endpoint`, without a default port; `localhost` for a Unix socket. */
  authority: string
  /** Share of the requests, against the other endpoints' weights. */
  weight: number
  /** Gets nothing new: what is in flight, and clients bound to it by a cookie, stay. */
  draining: boolean
}

type Address = Omit<EndpointConfig, 'weight' | 'draining'>

const forms = 'write http://host:port, https://host:port, tcp://host:port or unix:/path'

function parseEndpoint(text: string): Address {
  const shown = JSON.stringify(text)
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length)
    if (!path.startsWith('/') || path.includes('\0'))
      throw new RangeError(`${shown} needs an absolute path, as in unix:/run/app.sock`)
    return { url: text, tls: false, raw: false, target: { kind: 'unix', path }, authority: 'localhost' }
  }
  // By the rules of http, which lower the case of a host and know its addresses.
  const raw = /^tcp:\/\//i.test(text)
  const url = URL.parse(raw ? text.replace(/^tcp/i, 'http') : text)
  if (url === null || url.host === '' || !/^(?:https?|tcp):\/\//i.test(text))
    throw new RangeError(`${shown} is not an endpoint: ${forms}`)
  // The text is not shown: it holds a password.
  if (url.username !== '' || url.password !== '') throw new RangeError('an endpoint holds no user name or password')
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new RangeError(`${shown} has more than scheme, host and port: requests keep their own path`)
  }
  const tls = url.protocol === 'https:'
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
  if (!isIPv4(host) && !isIPv6(host) && !/^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_.])?$/.test(host))
    throw new RangeError(`${shown} has a host that is no name`)
  if (raw && !/:\d+\/?$/.test(text)) throw new RangeError(`${shown} needs a port, as in tcp://app:8443`)
  const port = url.port === '' ? (tls ? 443 : 80) : Number(url.port)
  if (port === 0) throw new RangeError(`${shown} has port 0`)
  const target = { kind: 'tcp', host, port } as const
  // URL leaves out the port of http, which is none of tcp.
  if (raw) return { url: `tcp://${url.hostname}:${port}`, tls, raw, target, authority: `${url.hostname}:${port}` }
  return { url: `${url.protocol}//${url.host}`, tls, raw, target, authority: url.host }
}

const endpointUrl = () =>
  z
    .string()
    .meta({ title: 'URL' })
    .transform((text, context): Address => {
      try {
        return parseEndpoint(text)
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        context.issues.push({ code: 'custom', message: error.message, input: text })
        return z.NEVER
      }
    })

const endpoint = z.union(
  [
    endpointUrl().transform((url): EndpointConfig => ({ ...url, weight: 1, draining: false })),
    z
      .strictObject({
        url: endpointUrl().describe(
          '`http://host:port`, `https://host:port`, `unix:/path` (HTTP over a Unix socket), or `tcp://host:port` (for `gateway.streams` alone).',
        ),
        weight: count(1, 1000).default(1).describe('Share of the requests, against the other weights.'),
        draining: z
          .boolean()
          .default(false)
          .describe('With `true` it gets nothing new: what is in flight, and clients that a cookie binds to it, stay.'),
      })
      .transform(({ url, ...rest }): EndpointConfig => ({ ...url, ...rest })),
  ],
  { error: ({ input }) => `expected a URL or { url, weight, draining }, found ${kindOf(input)}` },
)

const upstreamTls = z.strictObject({
  ca: file().optional().describe('PEM file with the authorities to trust. Absent: those of the system.'),
  serverName: z
    .string()
    .min(1)
    .optional()
    .describe("Name sent as SNI and asked of the certificate. Absent: the endpoint's host."),
  cert: file().optional().describe('PEM file with the client certificate to show. Absent: none.'),
  key: file().optional().describe('PEM file with the key of `cert`.'),
  minVersion: choice(['1.2', '1.3']).default('1.2').describe('Lowest TLS version accepted.'),
  verify: z
    .boolean()
    .default(true)
    .describe('Whether the certificate is verified. `false` is for tests alone: anybody can then answer.'),
})

const upstreamTimeouts = z.strictObject({
  connect: positiveDuration().prefault('5s').describe('Until the name is resolved and the connection is made.'),
  tls: positiveDuration().prefault('10s').describe('Until the TLS handshake is complete.'),
  firstByte: positiveDuration().prefault('60s').describe('From the sent request until the first byte of the reply.'),
  stall: positiveDuration().prefault('60s').describe('How long no byte may move in either direction.'),
})

const upstreamPool = z.strictObject({
  max: count(1, 65_535).default(256).describe('Most connections to each endpoint at a time.'),
  idle: positiveDuration().prefault('60s').describe('How long an unused connection is kept.'),
})

const retryWords = ['connectFailure', 'reset', 'timeout'] as const

const retryCause = z.union([choice(retryWords), count(400, 599)], {
  error: ({ input }) => `expected ${retryWords.join(', ')} or a status from 400 to 599, ${notOneOf(retryWords, input)}`,
})

const retries = z.strictObject({
  maxRetries: count(0, 10).default(1).describe('Tries after the first.'),
  retryOn: z
    .array(retryCause)
    .min(1)
    .prefault(['connectFailure', 'reset'])
    .describe(
      '`connectFailure` (nothing was sent, so any method), `reset` (no whole reply head came), `timeout` (firstByte, stall or perTryTimeout), or statuses of replies.',
    ),
  methods: z
    .array(method)
    .min(1)
    .prefault(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])
    .describe('Methods that may be acted on twice. Those by default are idempotent (RFC 9110 §9.2.2).'),
  budget: percentage()
    .prefault('20%')
    .describe('Most retries, as a share of the requests of the last ten seconds; ten are always allowed.'),
  backOff: z
    .strictObject({
      base: positiveDuration()
        .prefault('25ms')
        .describe('Longest wait before the first retry; doubled for each further one.'),
      max: positiveDuration().prefault('250ms').describe('Longest wait before any.'),
    })
    .prefault({})
    .describe('Waits before retries, each drawn at random from nothing to its longest.'),
  perTryTimeout: positiveDuration()
    .optional()
    .describe('For each try, from choosing its endpoint to the head of its reply. Absent: `timeouts` alone.'),
})

/** Retries as checked, times in ms. */
export type RetriesConfig = z.output<typeof retries>

const circuitBreaker = z
  .strictObject({
    errorRate: percentage()
      .optional()
      .describe('Share of failures among the requests `within` that opens it. Or `consecutiveFailures`.'),
    minRequests: count(1).default(20).describe('With `errorRate`: how many requests there must be at least.'),
    within: positiveDuration().prefault('10s').describe('With `errorRate`: the time that is looked at.'),
    consecutiveFailures: count(1).optional().describe('Failures in a row that open it. Or `errorRate`.'),
    openFor: positiveDuration().prefault('30s').describe('How long nothing is sent to the endpoint.'),
    halfOpenRequests: count(1, 1000)
      .default(1)
      .describe('Trials after that, at a time: all must succeed to close it, one that fails opens it again.'),
  })
  .transform(
    ({ errorRate, minRequests, within, consecutiveFailures, openFor, halfOpenRequests }, context): BreakerConfig => {
      if ((errorRate === undefined) === (consecutiveFailures === undefined)) {
        context.issues.push({
          code: 'custom',
          message: 'a circuit breaker opens by `errorRate` or by `consecutiveFailures`: write one of them',
          input: errorRate,
        })
        return z.NEVER
      }
      const trip =
        errorRate === undefined ? { consecutiveFailures: consecutiveFailures! } : { errorRate, minRequests, within }
      return { trip, openFor, halfOpenRequests }
    },
  )

/** When the breaker of each endpoint opens, and how it closes again. Times in ms, shares from 0 to 1. */
export interface BreakerConfig {
  trip: { errorRate: number; minRequests: number; within: number } | { consecutiveFailures: number }
  openFor: number
  halfOpenRequests: number
}

const admission = z.strictObject({
  maxInFlight: count(1).describe('Most requests in flight to the upstream at a time, WebSockets included.'),
  queue: count(0, 100_000).default(0).describe('How many more may wait, first come, first served; beyond that 503.'),
  queueTimeout: positiveDuration().prefault('1s').describe('How long each may wait; then 503.'),
})

/** A cluster of endpoints that serve the same. Times in ms. */
export const upstreamSchema = z.strictObject({
  endpoints: z
    .array(endpoint)
    .describe('Where requests are sent: URLs, or `{ url, weight, draining }`. Without any, requests are answered 503.'),
  balance: balance
    .prefault('roundRobin')
    .describe(
      'How an endpoint is chosen, weights counted: `roundRobin`, `leastConnections`, `random` (the better of two), `peakEwma` (latency × load), `{ hash }` or `{ sticky }`.',
    ),
  slowStart: positiveDuration()
    .optional()
    .describe('How long the share of an endpoint grows after it came or came back. Absent: all of it at once.'),
  timeouts: upstreamTimeouts.prefault({}).describe('Timers of requests to it; an error names the one that fired.'),
  pool: upstreamPool.prefault({}).describe('Connections kept for reuse.'),
  host: choice(['preserve', 'endpoint'])
    .default('preserve')
    .describe("The Host sent: `preserve` keeps the client's, `endpoint` sends the endpoint's own name."),
  tls: upstreamTls.prefault({}).describe('How `https://` endpoints are verified.'),
  http2: z
    .boolean()
    .default(false)
    .describe(
      'Whether endpoints are spoken to by HTTP/2, as gRPC needs: `https://` ones by ALPN, others by prior knowledge. One that does not is an error.',
    ),
  proxyProtocol: choice(['v1', 'v2'])
    .optional()
    .describe(
      'Version of the PROXY protocol header that tells `tcp://` endpoints who the client is; they must expect it. Absent: none.',
    ),
  health: healthSchema.optional().describe('How it is known which endpoints can be sent to. Absent: all always count.'),
  retries: retries
    .optional()
    .describe('When a request is sent again. Absent: only where no byte of it can have been acted on.'),
  circuitBreaker: circuitBreaker
    .optional()
    .describe('Keeps requests from an endpoint that fails most of them. Absent: none.'),
  admission: admission
    .optional()
    .describe('Bounds the requests in flight, and lets some wait. Absent: no bound but `pool.max`.'),
  parent: parentNames()
    .optional()
    .describe('Name under `parents` of the proxy to go through, or a list, the nearest one first. Absent: none.'),
})

/** An upstream as checked, defaults applied. */
export type UpstreamConfig = z.output<typeof upstreamSchema>
