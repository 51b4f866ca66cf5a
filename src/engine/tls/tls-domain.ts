import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { TurnpikeError } from '../../core/error.ts'
import type { Scope } from '../scope.ts'
import { certificateNames } from './certificate-selector.ts'
import {
  checkedCertificate,
  tlsVersions,
  type CertificateMaterial,
  type CertificateSource,
  type TlsVersion,
} from './tls-material.ts'
import type { Socket } from '../world.ts'

/** Client certificates: who may sign them, and whether one is needed. */
export interface ClientAuth {
  /** PEM. */
  ca: string
  /** `require` refuses clients without a valid one; `request` lets those without any in. */
  mode: 'require' | 'request'
}

export interface TlsDomainOptions {
  source: CertificateSource
  clientAuth: ClientAuth | null
  minVersion: TlsVersion
  /** Application protocols, the preferred one first (RFC 7301). */
  alpn: readonly string[]
}

/** The first call counts. */
export interface HandshakeListener {
  secured(socket: TLSSocket): void
  failed(error: TurnpikeError): void
}

const TICKET_KEY_BYTES = 48
const ROTATE_MS = 3_600_000

/**
 * One trust domain: a certificate with its conditions, and session tickets of its own. With contexts by
 * SNICallback, Node resumes a ticket of one name on another (seen with 1.2 and 1.3): ticket keys are
 * the server's. So each domain is a server, and the ClientHello is read before one is chosen (T10).
 */
export class TlsDomain {
  /** The names that the certificate is for. */
  readonly names: readonly string[]
  /** They as one text: the domain stays the same when the certificate is renewed. */
  readonly trust: string
  private readonly options: TlsDomainOptions
  private certificate: CertificateMaterial
  /**
   * Who waits for which handshake, by the connection's two ends: Node does not say which socket an event
   * of the server is about, and an async context to tell it by would cost every read and write 9 %.
   */
  private readonly handshakes = new Map<string, HandshakeListener>()
  /** For Unix sockets, which have no ends to be told by. */
  private readonly contexts = new AsyncLocalStorage<HandshakeListener>()
  /** Made at the first handshake: a context costs about a millisecond, and many are never asked for. */
  private server: Server | null = null

  /** Ticket keys change every hour until the scope closes. Throws ERR_CONFIG_INVALID for material that does not fit. */
  constructor(options: TlsDomainOptions, scope: Scope) {
    this.options = options
    this.certificate = options.source.current()
    this.names = certificateNames(checkedCertificate(this.certificate))
    this.trust = this.names.join(' ')
    scope.every(ROTATE_MS, () => this.server?.setTicketKeys(randomBytes(TICKET_KEY_BYTES)))
  }

  /** Bytes read from the socket before must have been put back. Time is the caller's to limit. */
  handshake(socket: Socket, listener: HandshakeListener): void {
    let server: Server
    try {
      server = this.currentServer()
    } catch (error) {
      // The certificate ran out, and its authority with it.
      listener.failed(TurnpikeError.from(error, 'tls'))
      return
    }
    if (this.options.clientAuth?.mode === 'require') {
      // Node closes on an invalid certificate without a word.
      socket.on('close', () => listener.failed(new TurnpikeError('ERR_TLS_CLIENT', { message: endedEarly })))
    }
    if (socket.remotePort === undefined) {
      this.contexts.run(listener, () => server.emit('connection', socket))
      return
    }
    const ends = endsOf(socket)
    this.handshakes.set(ends, listener)
    socket.on('close', () => {
      if (this.handshakes.get(ends) === listener) this.handshakes.delete(ends)
    })
    server.emit('connection', socket)
  }

  private take(socket: Socket): HandshakeListener | undefined {
    if (socket.remotePort === undefined) return this.contexts.getStore()
    const ends = endsOf(socket)
    const listener = this.handshakes.get(ends)
    this.handshakes.delete(ends)
    return listener
  }

  /** Handshakes that began before a renewal end with the server that they began with. */
  private currentServer(): Server {
    const certificate = this.options.source.current()
    if (certificate !== this.certificate) this.server = null
    this.certificate = certificate
    return (this.server ??= this.makeServer(certificate))
  }

  private makeServer(certificate: CertificateMaterial): Server {
    const { clientAuth, minVersion, alpn } = this.options
    const server = createServer({
      cert: certificate.cert,
      key: certificate.key,
      minVersion: tlsVersions[minVersion],
      ALPNProtocols: [...alpn],
      requestCert: clientAuth !== null,
      rejectUnauthorized: clientAuth?.mode === 'require',
      ...(clientAuth === null ? {} : { ca: clientAuth.ca }),
      ticketKeys: randomBytes(TICKET_KEY_BYTES),
      sessionIdContext: randomBytes(16).toString('hex'),
    })
    server.on('secureConnection', (socket) => {
      // W13: before anybody else has a listener.
      socket.on('error', ignore)
      const handshake = this.take(socket)
      // `request` lets clients without a certificate in, not those with an invalid one.
      const invalid = clientAuth !== null && !socket.authorized && socket.getPeerX509Certificate() !== undefined
      if (!invalid) handshake?.secured(socket)
      else {
        handshake?.failed(new TurnpikeError('ERR_TLS_CLIENT', { cause: socket.authorizationError }))
        socket.destroy()
      }
    })
    server.on('tlsClientError', (cause, socket) =>
      this.take(socket)?.failed(new TurnpikeError('ERR_TLS_CLIENT', { cause })),
    )
    return server
  }
}

function endsOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): string {
  return `${localAddress} ${localPort} ${remoteAddress} ${remotePort}`
}

const endedEarly = 'The handshake ended early: the client went away, or its certificate is not valid.'

const ignore = (): void => {}
