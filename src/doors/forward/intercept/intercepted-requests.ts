import { TurnpikeError } from '../../../core/error.ts'
import type { Exchange } from '../../../engine/exchange.ts'
import { countForwards, servedMethods } from '../../../engine/http1/max-forwards.ts'
import type { Door, EngineServices } from '../../../engine/services.ts'
import type { RouteTimeouts } from '../../../engine/upstream-timeouts.ts'
import type { Passage } from '../passage.ts'
import type { Verdict } from '../rules/verdict.ts'
import type { InterceptedTarget } from './intercepted-target.ts'
import { TunnelMeter } from './tunnel-meter.ts'

export interface InterceptedRequestsOptions {
  /** The exchange that asked for the tunnel. */
  tunnel: Exchange
  verdict: Verdict
  passage: Passage
  services: EngineServices
  /** Where requests go; or why none can, which each of them is told (T7). */
  target: InterceptedTarget | TurnpikeError
  /** Of a request that leaves HTTP by an upgrade. */
  upgraded: RouteTimeouts
}

/** The requests in one tunnel: they pass the middleware of the rule that the tunnel passed, and go to its target alone. */
export class InterceptedRequests implements Door {
  private readonly options: InterceptedRequestsOptions
  private readonly meter: TunnelMeter
  private latest: Exchange | null = null

  constructor(options: InterceptedRequestsOptions) {
    this.options = options
    this.meter = new TunnelMeter(options.tunnel)
  }

  /** Throws what the client did wrong. Whether the host is the tunnel's, the connection has looked at. */
  handle(exchange: Exchange): void {
    const { tunnel, verdict, passage, services, target, upgraded } = this.options
    passage.enter(exchange)
    this.latest = exchange
    exchange.meter = this.meter
    exchange.user = tunnel.user
    exchange.route = verdict.name
    services.observer.routed(exchange)
    setPath(exchange)
    if (exchange.upgrade !== '') exchange.timeouts = upgraded
    const stopped = countForwards(exchange)
    if (stopped !== null) return exchange.reply(stopped)
    passage.pass(
      exchange,
      verdict.rule,
      target instanceof TurnpikeError ? () => exchange.fail(target) : () => target.send(exchange),
    )
  }

  /** The tunnel is cut: that is why the request at hand ends. */
  cut(error: TurnpikeError): void {
    const { latest } = this
    if (latest !== null && latest.finishedAt === 0) latest.error ??= error
  }
}

/** RFC 9110 §7.7: path and query are passed on as they are, but that an empty path is `/`, or `*` for OPTIONS (RFC 9112 §3.2.4). */
function setPath(exchange: Exchange): void {
  const { target, method } = exchange
  if (method === 'CONNECT') throw new TurnpikeError('ERR_CONNECT_NOT_ALLOWED', { allow: servedMethods })
  const at = target.charCodeAt(0) === SLASH || target === '*' ? 0 : pathAt(target)
  const queryAt = target.indexOf('?', at)
  const path = queryAt < 0 ? target.slice(at) : target.slice(at, queryAt)
  exchange.path = path !== '' ? path : method === 'OPTIONS' && queryAt < 0 ? '*' : '/'
  exchange.query = queryAt < 0 ? '' : target.slice(queryAt)
}

/** Of the absolute form, which may only name what TLS was begun for. */
function pathAt(target: string): number {
  const { length } = /^https:\/\/[^/?#]*/i.exec(target)?.[0] ?? ''
  if (length === 0) throw new TurnpikeError('ERR_MISDIRECTED')
  return length
}

const SLASH = 0x2f
