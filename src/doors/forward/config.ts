import { z } from 'zod'
import {
  byteRate,
  choice,
  cidrs,
  count,
  file,
  offOr,
  parentNames,
  parsed,
  positiveDuration,
  size,
} from '../../core/config-fields.ts'
import { loginOrOff } from '../../core/login-schema.ts'

/** What a rule may ask of a name: `a.example`, `*.a.example`, an address, `*`. */
const hostPattern = parsed('a host or *.domain', (text) => {
  if (text === '*' || /^(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?\.?$/.test(text) || text.includes(':'))
    return text.toLowerCase().replace(/\.$/, '')
  throw new RangeError(`${JSON.stringify(text)} is neither a host, nor *.domain, nor *`)
})

const namePattern = parsed('a name or *.domain', (text) => {
  if (text === '*' || /^(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?\.?$/.test(text))
    return text.toLowerCase().replace(/\.$/, '')
  throw new RangeError(`${JSON.stringify(text)} is neither a name, nor *.domain, nor *`)
})

/** One, or a list of them. Checked, it is always a list. */
function some<T extends z.ZodType>(item: T, what: string) {
  return z.union([item.transform((one) => [one]), z.array(item).min(1)], { error: () => `expected ${what}, or a list` })
}

const portRange = z.union(
  [
    count(1, 65_535).transform((port) => ({ from: port, to: port })),
    parsed('a range of ports such as 8000-8999', (text) => {
      const [, from = '', to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? []
      const range = { from: Number(from), to: Number(to) }
      if (from !== '' && range.from >= 1 && range.from <= range.to && range.to <= 65_535) return range
      throw new RangeError(`${JSON.stringify(text)} is no range of ports: write it as in 8000-8999`)
    }),
  ],
  { error: () => 'expected a port such as 443, or a range such as "8000-8999"' },
)

const ports = () =>
  z.union([z.literal('any'), z.array(portRange)], { error: () => 'expected `any`, or a list of ports such as [443]' })

const clock = parsed('a time of day such as 08:00', (text) => {
  const [, hours = '', minutes = ''] = /^(\d{1,2}):(\d{2})$/.exec(text) ?? []
  const minute = Number(hours) * 60 + Number(minutes)
  if (hours === '' || Number(minutes) > 59 || minute > 24 * 60)
    throw new RangeError(`${JSON.stringify(text)} is no time of day: write it as in 08:00, quoted`)
  return minute
})

const zone = parsed('a time zone such as Europe/Berlin', (text) => {
  try {
    void new Intl.DateTimeFormat('en', { timeZone: text })
    return text
  } catch {
    throw new RangeError(`${JSON.stringify(text)} is no time zone: write it as in Europe/Berlin or UTC`)
  }
})

const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

const timeOfDay = z.strictObject({
  days: z
    .array(choice(days))
    .min(1)
    .default([...days])
    .describe('Days of the week. Absent: all of them.'),
  from: clock.prefault('00:00').describe('When it begins, as in `"08:00"`.'),
  to: clock.prefault('24:00').describe('When it ends; before `from`, on the next day.'),
  zone: zone.optional().describe("Time zone, as in `Europe/Berlin`. Absent: the machine's."),
})

const target = parsed('a host and a port such as new.example:443', (text) => {
  const [, host = '', port = ''] = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(text) ?? []
  if (host === '' || Number(port) < 1 || Number(port) > 65_535)
    throw new RangeError(`${JSON.stringify(text)} is no host with a port: write it as in new.example:443`)
  return { host: host.replace(/^\[(.*)\]$/, '$1').toLowerCase(), port: Number(port) }
})

const ruleMatch = z.strictObject({
  host: some(hostPattern, 'a host or *.domain')
    .optional()
    .describe('The host that is asked for: `a.example`, `*.a.example` (names below it, not itself), an address, `*`.'),
  sni: some(namePattern, 'a name or *.domain')
    .optional()
    .describe('The name in the ClientHello of a tunnel; the host that was asked for where it has none.'),
  sniMismatch: z
    .boolean()
    .optional()
    .describe('Whether the name in the ClientHello is another than the host that was asked for (T4).'),
  address: cidrs()
    .optional()
    .describe('Ranges that the address of the host is in. A name is resolved for it, whatever way it is reached.'),
  port: some(portRange, 'a port such as 443').optional().describe('Ports: `443`, `"8000-8999"`.'),
  user: some(z.string().min(1), 'a user').optional().describe('Users, as they have logged in.'),
  from: cidrs().optional().describe('Ranges that the client comes from.'),
  time: timeOfDay.optional().describe('When it holds.'),
})

/** What is done with what a rule matches. */
const actions = {
  direct: z.literal(true).optional().describe('Reached without a parent.'),
  via: offOr(parentNames(), 'names of parents')
    .optional()
    .describe('Parents to go through, the nearest one first; `off` for none.'),
  deny: z.literal(true).optional().describe('Refused (403).'),
}

export const forwardRuleSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'a name has letters, digits, ".", "_" and "-", 63 at most')
    .optional()
    .describe('What logs and `explain` call it. Absent: `rule` and its number, from 1.'),
  match: ruleMatch.prefault({}).describe('What it is about: all that is given must hold. Nothing: everything.'),
  ...actions,
  redirectTo: target.optional().describe('Host and port that are reached in place of those asked for.'),
  splice: z.literal(true).optional().describe('A tunnel is passed on as it is. The default.'),
  intercept: z
    .literal(true)
    .optional()
    .describe('TLS in a tunnel is ended here with a certificate of `intercept.authority`, and begun anew.'),
})

const upstreamTls = z.strictObject({
  minVersion: choice(['1.2', '1.3']).default('1.2').describe('Lowest TLS version accepted of the target.'),
  maxVersion: choice(['1.2', '1.3']).default('1.3').describe('Highest one.'),
  alpn: z
    .array(z.string().min(1))
    .default(['http/1.1'])
    .describe('Application protocols offered to the target (RFC 7301).'),
  ca: file().optional().describe("PEM file with the authorities that are trusted. Absent: the machine's."),
  verify: z.boolean().default(true).describe("Whether the target's certificate is verified."),
})

const intercept = z.strictObject({
  authority: z.string().min(1).describe('Folder of the authority that `turnpike ca init` has made.'),
  leafLifetime: positiveDuration()
    .refine((ms) => ms <= 197 * 86_400_000, 'no certificate is made for longer than 197 days: write 4728h at most')
    .prefault('24h')
    .describe('How long a certificate made here is valid; 197 days (`4728h`) at most.'),
  upstreamTls: upstreamTls.prefault({}).describe('TLS towards targets.'),
  bypass: z
    .array(namePattern)
    .prefault([])
    .describe('Names whose tunnels are never looked into, whatever a rule says: `bank.example`, `*.bank.example`.'),
  spliceAfterRefusals: count(0, 1000)
    .default(0)
    .describe(
      'After so many handshakes in a row that a client breaks off at our certificate, its tunnels to that name are spliced for an hour (T8). 0: never.',
    ),
})

const limits = z.strictObject({
  connectionsPerClient: count(1)
    .default(256)
    .describe(
      'Connections of one client address at a time (429). Here and below, the addresses of an IPv6 /64 are one client, and clients of a Unix socket are not counted.',
    ),
  tunnelStall: positiveDuration().prefault('5m').describe('How long a tunnel may be open with no byte moving.'),
  bytesPerClient: offOr(byteRate(), 'a size in a duration such as 10GiB/24h')
    .prefault('off')
    .describe(
      'Bytes in both directions that one client address may move in such a time. Then new requests are refused (429) and its tunnels cut; what is no tunnel is counted at its end.',
    ),
  bandwidthPerClient: offOr(byteRate(), 'a size in a duration such as 10MiB/1s')
    .prefault('off')
    .describe(
      'How fast one client address may move bytes, in each direction, all its tunnels together. Plain requests are not slowed down, but count.',
    ),
  tunnels: count(1).default(10_000).describe('Tunnels open at a time, of all clients.'),
})

const record = z.strictObject({
  flows: z.string().min(1).describe('The HAR file that requests and replies are written to.'),
  bodies: offOr(size(), 'a size such as 64KiB')
    .prefault('64KiB')
    .describe('How much of each body is kept; `off` for none.'),
  redact: z
    .array(z.string().min(1))
    .prefault([])
    .describe('Further header fields and query parameters whose values are not written down.'),
  secrets: z
    .boolean()
    .default(false)
    .describe('Whether `Authorization`, cookies and tokens are written down as they are.'),
  maxSize: size(1024).prefault('256MiB').describe('How large the file may become; then the oldest flows go.'),
})

/** The forward proxy. Times in ms, sizes in bytes. */
export const forwardSchema = z.strictObject({
  auth: loginOrOff()
    .optional()
    .describe(
      'How clients say who they are. `off`, and absent, are accepted on loopback; elsewhere a listener needs `allowFrom` with `off`.',
    ),
  connectPorts: ports()
    .prefault([443])
    .describe('Ports that CONNECT may lead to: ports, ranges such as `"8000-8999"`, or `any`.'),
  socksPorts: ports().prefault('any').describe('Ports that SOCKS may lead to, by TCP and by UDP.'),
  guard: z
    .strictObject({
      denyPrivate: z
        .boolean()
        .default(true)
        .describe(
          'Refuses addresses that are not public: private, loopback, link-local, metadata services and the like.',
        ),
      allow: cidrs().prefault([]).describe('Ranges that are allowed all the same.'),
      deny: cidrs().prefault([]).describe('Ranges that are refused before all else.'),
    })
    .prefault({})
    .describe('Which addresses are dialled: each one that a name resolves to is checked (F8).'),
  rules: z.array(forwardRuleSchema).prefault([]).describe('What is done with what; the first match decides.'),
  default: z
    .strictObject(actions)
    .prefault({ direct: true })
    .describe('What is done with what no rule matches, and the way of rules that name none.'),
  intercept: intercept.optional().describe('How tunnels are looked into. Needed by rules with `intercept`.'),
  limits: limits.prefault({}).describe('How much clients may ask of it.'),
  timeouts: z
    .strictObject({
      connect: positiveDuration().prefault('10s').describe('Name and connection together.'),
      tls: positiveDuration()
        .prefault('10s')
        .describe('The TLS handshake with a target, or with a client in a tunnel.'),
      hello: positiveDuration()
        .prefault('3s')
        .describe('How long a rule waits for the ClientHello; then the tunnel counts as one without.'),
      firstByte: positiveDuration().prefault('60s').describe("From a request to the first byte of the target's reply."),
      stall: positiveDuration().prefault('60s').describe('Between two pieces of a body.'),
    })
    .prefault({})
    .describe('Timers; an error names the one that fired.'),
  record: record.optional().describe('Writes down what passes: plain requests and intercepted ones. Absent: nothing.'),
  pac: offOr(
    z.strictObject({
      direct: z.array(hostPattern).prefault([]).describe('Hosts that browsers are to reach without the proxy.'),
      host: z
        .string()
        .min(1)
        .optional()
        .describe('Host and port of this proxy as browsers reach it. Absent: what they asked for the file at.'),
    }),
    'settings of the PAC file',
  )
    .prefault({})
    .describe('The proxy auto-configuration file at `/proxy.pac` and `/wpad.dat`; `off` for none.'),
})

export type ForwardConfig = z.output<typeof forwardSchema>
export type ForwardRuleConfig = z.output<typeof forwardRuleSchema>
export type PortRange = z.output<typeof portRange>
