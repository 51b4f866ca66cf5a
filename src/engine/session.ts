import { flatText } from '../core/flat-text.ts'

/** What TLS said about a client connection. */
export interface TlsFacts {
  /** As in `TLSv1.3`. */
  version: string
  /** The name the client asked for, '' for none. */
  sni: string
  /** Which trust domain of the listener answered: what its certificate names. */
  domain: string
  /** Subject of the verified client certificate, '' for none. */
  clientCertificate: string
  /** The application protocol that ALPN settled on (RFC 7301), absent for none. */
  alpn?: string
  /** `DownstreamSecurity.settings` of the time of the handshake. */
  settings?: string
}

export interface SessionFacts {
  listener: string
  clientAddress: string
  clientPort: number
  peerAddress: string
  localAddress: string
  localPort: number
  tls: TlsFacts | null
}

/** One client connection: who it is from and where it came in. Shared by all its exchanges. */
export class Session {
  /** Name of the listener in the config. */
  readonly listener: string
  /** The client's address; behind PROXY protocol, the one that the header gives. */
  readonly clientAddress: string
  readonly clientPort: number
  /** The address of the socket's other end. */
  readonly peerAddress: string
  readonly localAddress: string
  readonly localPort: number
  readonly tls: TlsFacts | null
  /** Whether the forwarding fields of this peer are believed. Set once, when HTTP begins. */
  peerTrusted = false
  /** What every access log line of this connection says alike: kept here by the log, '' before its first line. */
  logText = ''
  private authority = ''
  private via = ''
  private tail = ''

  constructor(facts: SessionFacts) {
    this.listener = facts.listener
    this.clientAddress = facts.clientAddress
    this.clientPort = facts.clientPort
    this.peerAddress = facts.peerAddress
    this.localAddress = facts.localAddress
    this.localPort = facts.localPort
    this.tls = facts.tls
  }

  /** The session of what the same client says within TLS of its own, in a tunnel. */
  within(tls: TlsFacts): Session {
    const { listener, clientAddress, clientPort, peerAddress, localAddress, localPort } = this
    return new Session({ listener, clientAddress, clientPort, peerAddress, localAddress, localPort, tls })
  }

  get scheme(): 'http' | 'https' {
    return this.tls === null ? 'http' : 'https'
  }

  /** The `X-Forwarded-*` lines of a request that came without any. */
  forwardedLines(authority: string): string {
    return (
      `X-Forwarded-For: ${this.clientAddress}\r\nX-Forwarded-Proto: ${this.scheme}\r\n` +
      (authority === '' ? '' : `X-Forwarded-Host: ${authority}\r\n`) +
      `X-Forwarded-Port: ${this.localPort}\r\n`
    )
  }

  /** How the head of its everyday request ends: those lines, `via`, and the empty line. The last one is kept. */
  headEnd(authority: string, via: string): string {
    if (authority !== this.authority || via !== this.via || this.tail === '') {
      this.authority = authority
      this.via = via
      this.tail = flatText(`${this.forwardedLines(authority)}${via}\r\n`)
    }
    return this.tail
  }
}
