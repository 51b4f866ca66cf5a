import { z } from 'zod'
import { choice, count, file, kindOf, later, positiveDuration } from '../core/config-fields.ts'
import { isIPv4, isIPv6 } from '../core/ip.ts'
import { healthSchema } from './health/config.ts'

/** One place that requests are sent to. */
export interface EndpointConfig {
  /** As the config names it: what logs and metrics show. */
  url: string
  tls: boolean
  /** Where to connect: a TCP port of a name or address, or a Unix socket. */
  target: { kind: 'tcp'; host: string; port: number } | { kind: 'unix'; path: string }
  /** Its own name, sent as Host with `host: endpoint`, without a default port; `localhost` for a Unix socket. */
  authority: string
  /** Share of the requests, against the other endpoints' weights. */
  weight: number
}

const forms = 'write http://host:port, https://host:port or unix:/path'

function parseEndpoint(text: string): Omit<EndpointConfig, 'weight'> {
  const shown = JSON.stringify(text)
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length)
    if (!path.startsWith('/') || path.includes('\0'))
      throw new RangeError(`${shown} needs an absolute path, as in unix:/run/app.sock`)
    return { url: text, tls: false, target: { kind: 'unix', path }, authority: 'localhost' }
  }
  const url = URL.parse(text)
  if (url === null || url.host === '' || !/^https?:\/\//i.test(text))
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
  const port = url.port === '' ? (tls ? 443 : 80) : Number(url.port)
  if (port === 0) throw new RangeError(`${shown} has port 0`)
  return { url: `${url.protocol}//${url.host}`, tls, target: { kind: 'tcp', host, port }, authority: url.host }
}

const endpointUrl = () =>
  z
    .string()
    .meta({ title: 'URL' })
    .transform((text, context): Omit<EndpointConfig, 'weight'> => {
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
    endpointUrl().transform((url): EndpointConfig => ({ ...url, weight: 1 })),
    z
      .strictObject({
        url: endpointUrl().describe(
          '`http://host:port`, `https://host:port` or `unix:/path` (HTTP over a Unix socket).',
        ),
        weight: count(1, 1000).default(1).describe('Share of the requests, against the other weights.'),
      })
      .transform(({ url, weight }): EndpointConfig => ({ ...url, weight })),
  ],
  { error: ({ input }) => `expected a URL or { url, weight }, found ${kindOf(input)}` },
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

/** A cluster of endpoints that serve the same. Times in ms. */
export const upstreamSchema = z.strictObject({
  endpoints: z.array(endpoint).min(1).describe('Where requests are sent: URLs, or `{ url, weight }`.'),
  balance: choice(['roundRobin'], ['leastConnections', 'random', 'peakEwma', 'hash', 'sticky'])
    .default('roundRobin')
    .describe('How an endpoint is chosen; weights count.'),
  timeouts: upstreamTimeouts.prefault({}).describe('Timers of requests to it; an error names the one that fired.'),
  pool: upstreamPool.prefault({}).describe('Connections kept for reuse.'),
  host: choice(['preserve', 'endpoint'])
    .default('preserve')
    .describe("The Host sent: `preserve` keeps the client's, `endpoint` sends the endpoint's own name."),
  tls: upstreamTls.prefault({}).describe('How `https://` endpoints are verified.'),
  health: healthSchema.optional().describe('How it is known which endpoints can be sent to. Absent: all always count.'),
  retries: later(),
  circuitBreaker: later(),
  admission: later(),
  parent: later(),
})

/** An upstream as checked, defaults applied. */
export type UpstreamConfig = z.output<typeof upstreamSchema>
