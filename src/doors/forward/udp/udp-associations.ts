import { TurnpikeError } from '../../../core/error.ts'
import type { AddressGuard } from '../../../engine/dial/address-guard.ts'
import type { Exchange } from '../../../engine/exchange.ts'
import type { EngineServices } from '../../../engine/services.ts'
import type { ForwardConfig } from '../config.ts'
import type { RuleTable } from '../rules/rule-table.ts'
import { UdpAssociation } from './udp-association.ts'

export interface UdpOptions {
  config: ForwardConfig
  /** Asked for each datagram. */
  rules: Pick<RuleTable, 'decide' | 'wantsAddresses'>
  /** Asked for each address that a datagram could be sent to (F8). */
  guard: AddressGuard
  services: EngineServices
}

/** Opens the UDP associations that clients ask for by SOCKS5 (RFC 1928 §7). */
export class UdpAssociations {
  private readonly options: UdpOptions
  private readonly isOfUse: boolean

  constructor(options: UdpOptions) {
    this.options = options
    this.isOfUse = goesDirect(options.config)
  }

  /**
   * Ends the exchange, sooner or later: with the connection that asked, at the latest. Fails it where no rule lets
   * anything pass but through parents, which take no datagrams; exceptions of parents do not count.
   */
  open(exchange: Exchange): void {
    if (this.isOfUse) new UdpAssociation(exchange, this.options).open()
    else exchange.fail(new TurnpikeError('ERR_SOCKS_COMMAND', { message: 'UDP does not go through parents.' }))
  }
}

function goesDirect({ rules, default: usual }: ForwardConfig): boolean {
  const usually = usual.deny !== true && (usual.via ?? null) === null
  return usually || rules.some(({ deny, direct, via }) => deny !== true && (direct === true || via === null))
}
