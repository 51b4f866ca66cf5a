import { z } from 'zod'
import {
  address,
  byteRate,
  choice,
  cidrs,
  count,
  file,
  offOr,
  parsed,
  positiveDuration,
  size,
} from '../core/config-fields.ts'
import type { FileText } from '../core/file-text.ts'

const certificateName = parsed('a name or an address', (text) => {
  if (text.includes(':') || /^(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?$/.test(text))
    return text.toLowerCase()
  throw new RangeError(`${JSON.stringify(text)} is neither a name nor an address`)
})

const certificate = z
  .strictObject({
    cert: file().optional().describe('PEM file with the certificate, followed by its intermediates.'),
    key: file().optional().describe('PEM file with the private key of the certificate.'),
    authority: z
      .string()
      .min(1)
      .optional()
      .describe(
        'In place of `cert` and `key`: folder of the authority, made by `turnpike ca init`, that makes the certificate, and renews it.',
      ),
    names: z
      .array(certificateName)
      .min(1)
      .optional()
      .describe(
        "Names and addresses in the certificate of an `authority`. Absent: `localhost`, `127.0.0.1`, `::1` and the machine's name.",
      ),
  })
  .transform(({ cert, key, authority, names }, context): CertificateConfig => {
    const wrong = (message: string, path: string[] = []): never => {
      context.issues.push({ code: 'custom', message, path, input: undefined })
      return z.NEVER
    }
    if (authority === undefined) {
      if (cert === undefined && key === undefined) return wrong('expected `cert` and `key`, or `authority`')
      if (names !== undefined) return wrong('`names` are for a certificate of an `authority`', ['names'])
      if (cert === undefined) return wrong('missing', ['cert'])
      return key === undefined ? wrong('missing', ['key']) : { cert, key }
    }
    if (cert !== undefined || key !== undefined) return wrong('expected `cert` and `key`, or `authority`: not both')
    return { authority, names }
  })

const clientAuth = z.strictObject({
  ca: file().describe('PEM file with the authorities whose client certificates are accepted.'),
  mode: choice(['require', 'request'])
    .default('require')
    .describe('`require` refuses clients without a valid certificate; `request` lets clients without one in.'),
})

const listenerTls = z.strictObject({
  certificates: z
    .array(certificate)
    .min(1)
    .describe('Certificates with their keys, chosen by SNI; the first is the default for other names and for none.'),
  minVersion: choice(['1.2', '1.3']).default('1.2').describe('Lowest TLS version accepted.'),
  clientAuth: clientAuth.optional().describe('Client certificates. Absent: none is asked for.'),
})

const listenerTimeouts = z.strictObject({
  tls: positiveDuration().prefault('10s').describe('Until the TLS handshake is complete.'),
  head: positiveDuration().prefault('10s').describe('From the first byte of a request until its head is complete.'),
  idle: positiveDuration().prefault('75s').describe('How long a keep-alive connection may wait for its next request.'),
  bodyProgress: offOr(byteRate(), 'a size in a duration such as 1KiB/30s')
    .prefault('1KiB/30s')
    .describe('Least that must arrive of a request body in each such period; slow but moving bodies live.'),
  stall: positiveDuration()
    .prefault('60s')
    .describe('How long a client may take no byte of a reply that is waiting for it.'),
})

const listenerLimits = z.strictObject({
  headSize: size(1024).prefault('32KiB').describe('Largest request head: request line and header fields (431).'),
  headerCount: count(1, 10_000).default(100).describe('Most header fields in a request (431).'),
  targetSize: size(64).prefault('8KiB').describe('Longest request target (414).'),
  connections: count(1).default(10_000).describe('Most connections open at a time.'),
})

/** One address that is listened on. Times in ms, sizes in bytes. */
export const listenerSchema = z.strictObject({
  address: address().describe(
    'Where to listen: `:8080` (every address), `127.0.0.1:8080`, `[::1]:8080`, `unix:/run/x.sock`.',
  ),
  door: choice(['gateway', 'goproxy', 'forward']).describe('What serves it.'),
  tls: listenerTls.optional().describe('TLS. Absent: plain text.'),
  http2: z
    .boolean()
    .optional()
    .describe(
      'HTTP/2 beside HTTP/1: by ALPN over TLS, by prior knowledge on a plain listener. Absent: true where there is TLS, else false.',
    ),
  timeouts: listenerTimeouts.prefault({}).describe('Timers of client connections; an error names the one that fired.'),
  limits: listenerLimits.prefault({}).describe('Bounds on what clients may send.'),
  proxyProtocol: z
    .strictObject({
      from: cidrs().describe(
        'Peers that must begin with a PROXY protocol header (version 1 or 2); from others it is refused.',
      ),
    })
    .optional()
    .describe('PROXY protocol. Absent: never read.'),
  mode: choice(['proxy', 'sni', 'redirect', 'tproxy'])
    .default('proxy')
    .describe(
      'How connections say where they want to go: `proxy` by asking for it, `sni` by the ClientHello of raw TLS, `redirect` and `tproxy` by where they were going when the system took them (Linux). All but `proxy` are for `door: forward`; `sni` also for `door: gateway`.',
    ),
  targetPort: count(1, 65_535).default(443).describe('Port that `mode: sni` leads to.'),
  allowFrom: cidrs()
    .optional()
    .describe('Ranges that clients may come from. Absent: from anywhere. For `door: forward`.'),
})

/** One of a listener's certificates: of files, or of a local authority. */
export type CertificateConfig =
  | { cert: FileText; key: FileText }
  | {
      /** Folder of the authority. */
      authority: string
      /** Undefined: those of this machine. */
      names: string[] | undefined
    }
