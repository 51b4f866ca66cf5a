import type { CidrSet } from '../../core/address.ts'
import { TurnpikeError } from '../../core/error.ts'
import type { Parents } from '../../engine/dial/parents.ts'
import type { Exchange } from '../../engine/exchange.ts'
import type { ProxyDoor } from '../../engine/proxy/proxy-door.ts'
import type { Scope } from '../../engine/scope.ts'
import type { EngineServices } from '../../engine/services.ts'
import type { Session } from '../../engine/session.ts'
import type { BindAddress } from '../../engine/world.ts'
import type { LoginConfig } from '../../core/login-schema.ts'
import type { ForwardConfig } from './config.ts'
import type { Passage } from './passage.ts'

/** What a listener of the proxy says of its clients. */
export interface ProxyListener {
  mode: 'proxy' | 'sni' | 'redirect' | 'tproxy'
  /** Undefined: as the door says. */
  auth?: LoginConfig | null | undefined
  /** Undefined: from anywhere. */
  allowFrom?: CidrSet | undefined
}

export interface ForwardDoorOptions {
  config: ForwardConfig
  /** Those with `door: forward`, by name. */
  listeners: ReadonlyMap<string, ProxyListener>
  services: EngineServices
  /** This instance's name in `Via`, '' for no `Via`. */
  via: string
  parents: Parents
  passage: Passage
  /** All that is listened on now, the admin address among it: no client is to be led there (F8). */
  ownAddresses: () => readonly BindAddress[]
  /** Its generation's. State that outlives a reload is asked for by key. */
  scope: Scope
  /** Told what fails that no request tells. */
  report: (error: unknown) => void
}

/** The forward proxy: requests and tunnels of one's own clients to wherever they say, as far as the rules allow. */
export class ForwardDoor implements ProxyDoor {
  private readonly options: ForwardDoorOptions

  constructor(options: ForwardDoorOptions) {
    this.options = options
  }

  handle(exchange: Exchange): void {
    const { passage } = this.options
    passage.enter(exchange)
    passage.pass(exchange, -1, () => exchange.fail(new TurnpikeError('ERR_NO_ROUTE')))
  }

  refusalOf(_session: Session): TurnpikeError | null {
    return null
  }

  wantsLogin(_session: Session): boolean {
    return false
  }

  login(_session: Session, _username: string, _password: string): string | null | Promise<string | null> {
    return null
  }

  /** Whether metrics have series of this name: a rule's. */
  isRoute(_name: string): boolean {
    return false
  }
}
