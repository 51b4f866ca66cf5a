import { TurnpikeError } from '../../../core/error.ts'
import type { AddressGuard } from '../../../engine/dial/address-guard.ts'
import type { Exchange } from '../../../engine/exchange.ts'
import type { Destination } from '../../../engine/proxy/destination.ts'
import type { Scope } from '../../../engine/scope.ts'
import type { EngineServices } from '../../../engine/services.ts'
import type { ForwardConfig } from '../config.ts'
import type { Redecide, Verdict } from '../rules/verdict.ts'
import type { Interceptor } from './opened-tunnel.ts'
import { OpenTunnels } from './open-tunnels.ts'
import { OpeningTunnel } from './opening-tunnel.ts'

export interface TunnelOpenerOptions {
  config: Pick<ForwardConfig, 'timeouts' | 'limits'>
  services: EngineServices
  /** Its generation's; tunnels outlive it. */
  scope: Scope
  /** Which addresses may be dialled (F8). */
  guard: AddressGuard
  /** Null where no rule looks into tunnels. */
  interceptor: Interceptor | null
}

/** Opens the tunnels that clients ask for, by whatever protocol, as rules have decided. */
export class TunnelOpener {
  readonly options: TunnelOpenerOptions
  private readonly tunnels: OpenTunnels

  constructor(options: TunnelOpenerOptions) {
    this.options = options
    this.tunnels = OpenTunnels.of(options.scope)
  }

  /** Ends the exchange, sooner or later. The verdict is one that denies nothing. */
  open(exchange: Exchange, destination: Destination, verdict: Verdict, redecide: Redecide): void {
    const { tunnels, options } = this
    const over = tunnels.enter(options.config.limits.tunnels)
    if (over === null) exchange.fail(new TurnpikeError('ERR_TUNNELS_FULL'))
    else new OpeningTunnel(options, exchange, destination, verdict, redecide, over).dial()
  }
}
