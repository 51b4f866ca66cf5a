import { hash } from 'node:crypto'
import { basicCredentials } from '../../../core/basic-credentials.ts'
import { TurnpikeError } from '../../../core/error.ts'
import type { AddressGuard } from '../../../engine/dial/address-guard.ts'
import type { Parent, ParentRoute } from '../../../engine/dial/parent.ts'
import type { Exchange } from '../../../engine/exchange.ts'
import { KeptPools } from '../../../engine/http1/kept-pools.ts'
import type { PoolOptions } from '../../../engine/http1/pool.ts'
import type { Scope } from '../../../engine/scope.ts'
import type { EngineServices } from '../../../engine/services.ts'
import type { UpstreamSecurity } from '../../../engine/tls/upstream-security.ts'
import type { RouteTimeouts } from '../../../engine/upstream-timeouts.ts'
import type { ForwardConfig } from '../config.ts'
import type { Verdict } from '../rules/verdict.ts'
import { findAddresses } from '../find-addresses.ts'
import { heldTo, originTls } from './origin-tls.ts'
import type { PlainOrigin } from './plain-origin.ts'
import { PlainTarget } from './plain-target.ts'

/** Connections to one origin, or to one parent for all of them. Who may use the proxy is bounded by its limits. */
const MAX_CONNECTIONS = 1_024
const IDLE_MS = 30_000
const MAX_TARGETS = 1_024

export interface PlainForwarderOptions {
  config: Pick<ForwardConfig, 'timeouts' | 'intercept'>
  services: EngineServices
  /** This instance's name in `Via`, '' for no `Via`. */
  via: string
  guard: AddressGuard
  /** Its generation's: connections live on in the next one. */
  scope: Scope
}

/** Sends requests with absolute targets to the hosts that these name, or to a parent (RFC 9112 §3.2.2). */
export class PlainForwarder {
  private readonly options: PlainForwarderOptions
  private readonly timeouts: Required<RouteTimeouts>
  private readonly targets: KeptPools<PlainTarget>
  private readonly tls: () => UpstreamSecurity

  constructor(options: PlainForwarderOptions) {
    const { config, guard, scope, via } = options
    const { connect, tls, firstByte, stall } = config.timeouts
    this.options = options
    this.timeouts = { connectMs: connect, tlsMs: tls, firstByteMs: firstByte, stallMs: stall, totalMs: Infinity }
    this.tls = originTls(config.intercept?.upstreamTls, scope)
    const upstreamTls = config.intercept?.upstreamTls
    const settings = [via, guard.key, this.timeouts, upstreamTls, upstreamTls?.ca?.text]
    this.targets = scope.shared(`plain targets ${hash('sha256', JSON.stringify(settings))}`, (own) =>
      own.use(new KeptPools<PlainTarget>(MAX_TARGETS)),
    )
  }

  /** Sends an exchange whose path and query are set; its reply, or its failure, ends it. */
  forward(exchange: Exchange, origin: PlainOrigin, { via, redirectTo }: Verdict): void {
    exchange.timeouts = this.timeouts
    // H16: a tunnel after a 101 is for what starts as HTTP and goes on as frames, not for another HTTP.
    if (exchange.upgrade !== 'websocket') exchange.upgrade = ''
    if (via === null && redirectTo === null) {
      const { url } = origin
      const target = this.targets.find(url) ?? this.targets.add(url, this.origin(url, origin, origin, null, ''))
      return target.send(exchange)
    }
    const dialled = redirectTo ?? origin
    const parents = via?.to(dialled.host) ?? []
    const last = parents.at(-1)
    // What most parents refuse, a tunnel to port 80, is what every HTTP parent has another way for.
    if (last?.kind === 'http' && !origin.tls && redirectTo === null && exchange.upgrade === '')
      return this.ask(exchange, origin, via!, parents)
    const url = `${origin.tls ? 'https' : 'http'}://${dialled.host}:${dialled.port}`
    const key = `${url} ${origin.host} ${via === null ? '' : via.key}`
    const target =
      this.targets.find(key) ?? this.targets.add(key, this.origin(url, origin, dialled, via, last?.name ?? ''))
    target.send(exchange)
  }

  /** The parent connects, so that what is known here of the host's addresses is checked here (F8). */
  private ask(exchange: Exchange, { host, port }: PlainOrigin, via: ParentRoute, parents: readonly Parent[]): void {
    const { guard, services } = this.options
    findAddresses(exchange, host, services, this.timeouts.connectMs, (addresses) => {
      if (!addresses.every((address) => guard.allows(address, port)))
        throw new TurnpikeError('ERR_ADDRESS_FORBIDDEN', { message: `${host} must not be connected to from here.` })
      const key = `${via.key} ${parents.map(({ name }) => name).join(' ')}`
      const target = this.targets.find(key) ?? this.targets.add(key, this.parent(via, parents))
      target.send(exchange)
    })
  }

  private origin(
    url: string,
    { tls, host }: PlainOrigin,
    dialled: { host: string; port: number },
    via: ParentRoute | null,
    parent: string,
  ): PlainTarget {
    const security = tls ? heldTo(host, this.tls()) : null
    const pool = this.pool(dialled, security, { guard: this.options.guard, via })
    return new PlainTarget(this.options.services, { url, parent, asksParent: false, pool })
  }

  private parent(via: ParentRoute, parents: readonly Parent[]): PlainTarget {
    const last = parents.at(-1)!
    const { credentials, host, port, name } = last
    const before = parents.slice(0, -1)
    const way = before.length === 0 ? null : { key: via.key, to: () => before }
    const login = credentials === null ? '' : `Proxy-Authorization: ${basicCredentials(credentials)}\r\n`
    const pool = this.pool(last, last.tls, { guard: null, via: way }, login)
    const url = `http${last.tls === null ? '' : 's'}://${host}:${port}`
    return new PlainTarget(this.options.services, { url, parent: name, asksParent: true, pool })
  }

  private pool(
    { host, port }: { host: string; port: number },
    tls: UpstreamSecurity | null,
    way: Pick<PoolOptions, 'guard' | 'via'>,
    proxyLogin?: string,
  ): PoolOptions {
    const { via } = this.options
    const { connectMs, tlsMs } = this.timeouts
    return {
      target: { kind: 'tcp', host, port },
      tls,
      egress: {
        host: 'preserve',
        endpointAuthority: `${host.includes(':') ? `[${host}]` : host}:${port}`,
        via,
        viaLine: via === '' ? '' : `Via: 1.1 ${via}\r\n`,
        // A forward proxy says nothing of its clients.
        own: true,
        ...(proxyLogin !== undefined && { proxyLogin }),
      },
      max: MAX_CONNECTIONS,
      idleMs: IDLE_MS,
      connectMs,
      tlsMs,
      timeouts: this.timeouts,
      ...way,
    }
  }
}
