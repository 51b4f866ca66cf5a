import type { TLSSocket } from 'node:tls'
import { CertificateSelector } from './certificate-selector.ts'
import { peekClientHello } from './client-hello-peek.ts'
import type { DownstreamSecurity, SecuringEvents } from './downstream-security.ts'
import type { Scope } from '../scope.ts'
import type { TlsFacts } from '../session.ts'
import { TlsDomain, type ClientAuth } from './tls-domain.ts'
import { contentKey, type CertificateMaterial, type CertificateSource, type TlsVersion } from './tls-material.ts'
import type { Socket } from '../world.ts'

export interface TlsServerOptions {
  /** Chosen by SNI; the first is the default. Each is a trust domain. */
  certificates: readonly (CertificateMaterial | CertificateSource)[]
  /** Null where client certificates are not asked for. */
  clientAuth: ClientAuth | null
  /** Default `1.2`. */
  minVersion?: TlsVersion
  /** Whether ALPN offers `h2` before `http/1.1` (RFC 9113 §3.2). Default: false. */
  http2?: boolean
}

/** TLS towards clients: picks the trust domain by the name in the ClientHello, then shakes hands in it. */
export class TlsServer implements DownstreamSecurity {
  readonly settings: string
  private readonly selector: CertificateSelector
  private readonly domains: readonly TlsDomain[]

  /**
   * Domains are shared by content across generations, so that a reload which leaves a certificate and
   * its conditions alone costs no session. Throws ERR_CONFIG_INVALID for material that does not fit.
   */
  constructor(options: TlsServerOptions, scope: Scope) {
    const { certificates, clientAuth, minVersion = '1.2', http2 = false } = options
    const alpn = http2 ? ['h2', 'http/1.1'] : ['http/1.1']
    this.settings = contentKey([clientAuth?.ca, clientAuth?.mode, minVersion])
    this.domains = certificates.map((each) => {
      const source = 'current' in each ? each : unchanging(each)
      return scope.shared(
        `tls-domain:${contentKey([source.key, this.settings, ...alpn])}`,
        (own) => new TlsDomain({ source, clientAuth, minVersion, alpn }, own),
      )
    })
    this.selector = new CertificateSelector(this.domains.map(({ names }) => names))
  }

  serves({ domain, sni }: Pick<TlsFacts, 'domain' | 'sni'>, host: string): boolean {
    const { selector } = this
    if (this.domains[selector.positionOf(host)]!.trust === domain) return true
    // What no certificate names is the first one's, also when a reload has put another first.
    return !selector.has(host) && !selector.has(sni)
  }

  secure(socket: Socket, events: SecuringEvents): void {
    peekClientHello(socket, (hello) => {
      // T11: a resumed 1.2 session does not give its name; the ClientHello does.
      const sni = hello?.sni ?? ''
      const domain = this.domains[this.selector.positionOf(sni)]!
      domain.handshake(socket, {
        secured: (secured) => events.secured(secured, this.facts(secured, sni, domain.trust)),
        failed: (error) => events.failed(error),
      })
    })
  }

  private facts(socket: TLSSocket, sni: string, domain: string): TlsFacts {
    return {
      version: socket.getProtocol() ?? '',
      sni,
      domain,
      clientCertificate: socket.authorized ? subjectOf(socket) : '',
      ...(typeof socket.alpnProtocol === 'string' && { alpn: socket.alpnProtocol }),
      settings: this.settings,
    }
  }
}

function unchanging(certificate: CertificateMaterial): CertificateSource {
  return { key: contentKey([certificate.cert, certificate.key]), current: () => certificate }
}

/** RFC 4514 §2.1: the last part first, with commas. Node gives a part a line, escaped as §2.4 wants. */
function subjectOf(socket: TLSSocket): string {
  return socket.getPeerX509Certificate()?.subject.split('\n').toReversed().join(',') ?? ''
}
