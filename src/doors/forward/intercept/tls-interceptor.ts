import type { AddressGuard } from '../../../engine/dial/address-guard.ts'
import type { Dialled } from '../../../engine/dial/dialled.ts'
import type { Http1ServerOptions } from '../../../engine/http1/http1-server-connection.ts'
import { listenerHttp, type HttpListenerConfig } from '../../../engine/http1/listener-http.ts'
import { ParserShelf } from '../../../engine/http1/parser-shelf.ts'
import type { Scope } from '../../../engine/scope.ts'
import type { EngineServices } from '../../../engine/services.ts'
import type { UpstreamSecurity } from '../../../engine/tls/upstream-security.ts'
import type { RouteTimeouts } from '../../../engine/upstream-timeouts.ts'
import type { LeafSource } from '../../../certs/leaf-source.ts'
import type { ForwardConfig } from '../config.ts'
import type { Passage } from '../passage.ts'
import { heldTo, originTls } from '../plain/origin-tls.ts'
import { NamePatterns } from '../rules/name-patterns.ts'
import type { Interceptor, OpenedTunnel } from '../tunnel/opened-tunnel.ts'
import { InterceptedTarget } from './intercepted-target.ts'
import { InterceptedTunnel } from './intercepted-tunnel.ts'
import { LeafRefusals } from './leaf-refusals.ts'

export interface TlsInterceptorOptions {
  config: Pick<ForwardConfig, 'timeouts' | 'limits'>
  intercept: NonNullable<ForwardConfig['intercept']>
  leaves: LeafSource
  /** Those with `door: forward`, by name: what they say of HTTP holds inside tunnels too. */
  listeners: ReadonlyMap<string, HttpListenerConfig>
  services: EngineServices
  /** This instance's name in `Via`, '' for no `Via`. */
  via: string
  /** Asked for each further connection to a target. */
  guard: AddressGuard
  passage: Passage
  scope: Scope
}

/** Looks into tunnels with certificates of a local authority: HTTP/1.1 inside passes what plain requests pass. */
export class TlsInterceptor implements Interceptor {
  private readonly options: TlsInterceptorOptions
  private readonly bypass: NamePatterns
  private readonly refusals: LeafRefusals
  private readonly tls: UpstreamSecurity
  private readonly timeouts: RouteTimeouts
  private readonly http: ReadonlyMap<string, Omit<Http1ServerOptions, 'security' | 'closed'>>

  constructor(options: TlsInterceptorOptions) {
    const { config, intercept, listeners, services, scope } = options
    const { connect, tls, firstByte, stall } = config.timeouts
    this.options = options
    this.bypass = new NamePatterns(intercept.bypass)
    this.refusals = LeafRefusals.shared(services, scope)
    this.tls = originTls(intercept.upstreamTls, scope)()
    this.timeouts = { connectMs: connect, tlsMs: tls, firstByteMs: firstByte, stallMs: stall, totalMs: Infinity }
    this.http = new Map(
      [...listeners].map(([name, listener]) => {
        const { timeouts, limits } = listenerHttp(listener)
        return [name, { timeouts, parsers: new ParserShelf(limits), trustedProxies: nobody }]
      }),
    )
  }

  intercept(tunnel: OpenedTunnel): boolean {
    const { exchange, destination, hello } = tunnel
    const { services, passage, leaves, intercept, config } = this.options
    const host = hello.sni === '' ? destination.host : hello.sni
    if (this.bypass.has(host) || this.refusals.areSpliced(host, exchange.clientAddress)) return false
    const security = heldTo(host, this.tls)
    new InterceptedTunnel(tunnel, host, {
      services,
      passage,
      leaves,
      refusals: this.refusals,
      refusalLimit: intercept.spliceAfterRefusals,
      tlsMs: config.timeouts.tls,
      security,
      targetOn: (dialled) => this.target(tunnel, host, security, dialled),
      upgraded: { ...this.timeouts, stallMs: config.limits.tunnelStall },
      http: this.http.get(exchange.session.listener)!,
    }).start()
    return true
  }

  /** Its connections go the way of the tunnel. */
  private target(
    { exchange, destination, verdict }: OpenedTunnel,
    host: string,
    security: UpstreamSecurity,
    dialled: Dialled,
  ): InterceptedTarget {
    const { services, via, guard, listeners } = this.options
    const { redirectTo } = verdict
    const to = redirectTo ?? { host: destination.address ?? destination.host, port: destination.port }
    const { connectMs, tlsMs = connectMs } = this.timeouts
    const authority = destination.port === 443 ? bracketed(host) : `${bracketed(host)}:${destination.port}`
    const pool = {
      target: { kind: 'tcp', ...to },
      tls: security,
      guard,
      via: verdict.via,
      egress: {
        host: 'preserve',
        endpointAuthority: authority,
        via,
        viaLine: via === '' ? '' : `Via: 1.1 ${via}\r\n`,
        own: true,
      },
      // Requests in a tunnel come one after another.
      max: 1,
      idleMs: listeners.get(exchange.session.listener)!.timeouts.idle,
      connectMs,
      tlsMs,
      timeouts: this.timeouts,
    } as const
    const url = `https://${bracketed(to.host)}:${to.port}`
    const parent = verdict.via?.to(to.host).at(-1)?.name ?? ''
    return new InterceptedTarget({ services, host, url, parent, pool }, dialled)
  }
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** What a client writes into forwarding fields is for the target to judge. */
const nobody = { has: () => false }
