import { isIP, type Socket as NetSocket } from 'node:net'
import { connect, createSecureContext, type ConnectionOptions, type SecureContext, type TLSSocket } from 'node:tls'
import { TurnpikeError } from '../../core/error.ts'
import type { StreamEvents } from '../dial/dialled.ts'
import { checkedCertificate, tlsVersions, type TlsVersion } from './tls-material.ts'
import { TlsSessions } from './tls-sessions.ts'
import type { HandshakeEvents, UpstreamSecurity } from './upstream-security.ts'
import type { Socket } from '../world.ts'

export interface UpstreamTlsOptions {
  /** PEM. Absent: the authorities that come with Node. */
  ca?: string
  /** Sent as SNI and asked of the certificate. Absent: the host that is dialled. */
  serverName?: string
  /** PEM of the client certificate to show, with its `key`. Absent: none. */
  cert?: string
  key?: string
  minVersion: TlsVersion
  /** Default: the highest there is. */
  maxVersion?: TlsVersion
  /** With false, anybody can answer. */
  verify: boolean
  /** Ask for HTTP/2 by ALPN, and take nothing else; the bytes are for node:http2 to read. Default: HTTP/1.1. */
  http2?: boolean
  /** What to ask for by ALPN in place of `http/1.1`. What is agreed on must be a HTTP/1. */
  alpn?: readonly string[]
}

const MAX_SESSIONS = 256

/** TLS towards the endpoints of one upstream: verified, resumed, for one protocol. */
export class UpstreamTls implements UpstreamSecurity {
  private readonly options: UpstreamTlsOptions
  private readonly context: SecureContext
  /** Kept with the context that they were made in, so that none outlives what it was verified by. */
  private readonly sessions = new TlsSessions(MAX_SESSIONS)

  /** Throws ERR_CONFIG_INVALID where the key is not the certificate's. */
  constructor(options: UpstreamTlsOptions) {
    const { ca, cert, key, minVersion, maxVersion } = options
    if (cert !== undefined) checkedCertificate({ cert, key: key ?? '', label: 'for the upstream' })
    this.options = options
    this.context = createSecureContext({
      minVersion: tlsVersions[minVersion],
      ...(maxVersion === undefined ? {} : { maxVersion: tlsVersions[maxVersion] }),
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    })
  }

  secure(socket: Socket, host: string, port: number, stream: StreamEvents, handshake: HandshakeEvents): Socket {
    const { serverName, verify, http2 = false, alpn = ['http/1.1'] } = this.options
    const name = serverName ?? host
    const endpoint = `${host}:${port}`
    const session = this.sessions.get(endpoint)
    const options: ConnectionOptions & { allowHalfOpen: boolean } = {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- node:tls takes over a node:net socket alone
      socket: socket as NetSocket,
      secureContext: this.context,
      host: name,
      // RFC 6066 §3: addresses are not permitted in SNI. The certificate is held to `host` then.
      servername: isHostName(name) ? name : '',
      rejectUnauthorized: verify,
      ALPNProtocols: http2 ? ['h2'] : [...alpn],
      allowHalfOpen: true,
      ...(session === undefined ? {} : { session }),
    }
    const secured = connect(options)
    const failed = (cause: Error): void => {
      // A session that the other side cannot take must not fail every dial from now on.
      this.sessions.delete(endpoint)
      handshake.failed(this.handshakeError(secured, cause))
    }
    const closed = (): void => failed(new Error('the connection closed during the handshake'))
    secured.on('error', failed)
    secured.on('close', closed)
    secured.on('session', (made: Buffer) => this.sessions.set(endpoint, made))
    secured.on('secureConnect', () => {
      // RFC 9113 §3.2: TLS without the agreement on h2 is not HTTP/2.
      if (http2 && secured.alpnProtocol !== 'h2') {
        handshake.failed(new TurnpikeError('ERR_UPSTREAM_HTTP2', { phase: 'tls' }))
        return
      }
      const agreed = secured.alpnProtocol
      if (!http2 && typeof agreed === 'string' && !agreed.startsWith('http/1.')) {
        const cause = new Error(`it asks for ${JSON.stringify(agreed)}, which is not spoken`)
        handshake.failed(new TurnpikeError('ERR_TLS_UPSTREAM', { cause }))
        return
      }
      secured.on('error', (error) => stream.failed(error))
      secured.on('close', () => stream.closed())
      secured.off('error', failed)
      secured.off('close', closed)
      secured.on('end', () => stream.ended())
      handshake.secured(secured.getProtocol())
      if (http2) return
      secured.on('data', (chunk: Buffer) => {
        if (!stream.read(chunk.length, chunk)) secured.pause()
      })
    })
    return secured
  }

  private handshakeError(socket: TLSSocket, cause: Error): TurnpikeError {
    const code = (cause as NodeJS.ErrnoException).code ?? ''
    if (code === 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL')
      return new TurnpikeError('ERR_UPSTREAM_HTTP2', { phase: 'tls', cause })
    // What the verification says is on the socket; the name is compared apart from it.
    const certificate = code === 'ERR_TLS_CERT_ALTNAME_INVALID' || socket.authorizationError !== null
    return new TurnpikeError(certificate ? 'ERR_TLS_CERTIFICATE' : 'ERR_TLS_UPSTREAM', { cause })
  }
}

function isHostName(name: string): boolean {
  return isIP(name) === 0 && !name.includes('/')
}
