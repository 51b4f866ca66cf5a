import { TurnpikeError } from '../../../core/error.ts'
import type { AddressGuard } from '../../../engine/dial/address-guard.ts'
import type { Exchange } from '../../../engine/exchange.ts'
import { unixPeer } from '../../../engine/listen/peer-facts.ts'
import type { Scope } from '../../../engine/scope.ts'
import type { EngineServices } from '../../../engine/services.ts'
import type { ForwardConfig } from '../config.ts'
import type { RuleTable } from '../rules/rule-table.ts'
import { OpenTunnels } from '../tunnel/open-tunnels.ts'
import { UdpAssociation } from './udp-association.ts'

export interface UdpOptions {
  config: ForwardConfig
  /** Asked for each datagram. */
  rules: Pick<RuleTable, 'decide' | 'wantsAddresses'>
  /** Asked for each address that a datagram could be sent to (F8). */
  guard: AddressGuard
  services: EngineServices
  /** Its generation's; associations outlive it. */
  scope: Scope
}

/** Opens the UDP associations that clients ask for by SOCKS5 (RFC 1928 §7). */
export class UdpAssociations {
  private readonly options: UdpOptions
  private readonly isOfUse: boolean
  private readonly tunnels: OpenTunnels

  constructor(options: UdpOptions) {
    this.options = options
    this.isOfUse = goesDirect(options.config)
    this.tunnels = OpenTunnels.of(options.scope)
  }

  /**
   * Ends the exchange, sooner or later: with the connection that asked, at the latest. Fails it where no rule lets
   * anything pass but through parents, which take no datagrams; exceptions of parents do not count.
   */
  open(exchange: Exchange): void {
    if (!this.isOfUse)
      return exchange.fail(new TurnpikeError('ERR_SOCKS_COMMAND', { message: 'UDP does not go through parents.' }))
    // On a Unix socket there is no address that the client could send to.
    const { localAddress } = exchange.session
    if (localAddress === unixPeer) return exchange.fail(new TurnpikeError('ERR_SOCKS_COMMAND'))
    const over = this.tunnels.enter(this.options.config.limits.tunnels)
    if (over === null) exchange.fail(new TurnpikeError('ERR_TUNNELS_FULL'))
    else new UdpAssociation(exchange, this.options, over).open(localAddress)
  }
}

function goesDirect({ rules, default: usual }: ForwardConfig): boolean {
  const usually = usual.deny !== true && (usual.via ?? null) === null
  return usually || rules.some(({ deny, direct, via }) => deny !== true && (direct === true || via === null))
}
