import type { AddressGuard } from '../../engine/dial/address-guard.ts'
import type { BindAddress, World } from '../../engine/world.ts'
import { embeddedIPv4 } from '../../policy/embedded-ipv4.ts'
import { PublicAddresses } from '../../policy/public-addresses.ts'
import type { ForwardConfig } from './config.ts'
import { bareAddress, LocalAddresses } from './local-addresses.ts'

export interface ForwardGuardOptions {
  config: ForwardConfig['guard']
  /** All that is listened on now. */
  ownAddresses: () => readonly BindAddress[]
  world: Pick<World, 'now'>
}

/** What the config says of an address, whatever the port. */
interface Judgement {
  /** Itself, and the IPv4 address that it carries. */
  meant: readonly string[]
  allowed: boolean
}

/** Most tunnels lead to where others have led. */
const MAX_JUDGED = 1_000

/**
 * Where clients of the proxy may be led (F8). First `deny` and what this process listens on itself refuse, then `allow`
 * allows, then what is not public is refused.
 */
export class ForwardGuard implements AddressGuard {
  readonly key: string
  private readonly config: ForwardConfig['guard']
  private readonly ownAddresses: () => readonly BindAddress[]
  private readonly local: LocalAddresses
  private readonly open: PublicAddresses
  private readonly judged = new Map<string, Judgement>()

  constructor({ config, ownAddresses, world }: ForwardGuardOptions) {
    this.config = config
    this.ownAddresses = ownAddresses
    this.local = new LocalAddresses(world)
    this.open = new PublicAddresses(config.allow)
    this.key = `forward ${JSON.stringify(config)}`
  }

  allows(address: string, port: number): boolean {
    const { allowed, meant } = this.judgementOf(address)
    return allowed && !meant.some((each) => this.isOwn(each, port))
  }

  private judgementOf(address: string): Judgement {
    let known = this.judged.get(address)
    if (known === undefined) {
      known = this.judge(address)
      if (this.judged.size >= MAX_JUDGED) this.judged.clear()
      this.judged.set(address, known)
    }
    return known
  }

  private judge(address: string): Judgement {
    const bare = bareAddress(address)
    const inner = embeddedIPv4(bare)
    const meant = inner === null ? [bare] : [bare, inner]
    const denied = meant.some((each) => this.config.deny.has(each))
    return { meant, allowed: !denied && (!this.config.denyPrivate || this.open.allows(bare)) }
  }

  private isOwn(address: string, port: number): boolean {
    // Linux and others take the unspecified address for this machine: RFC 1122 §3.2.1.3 has it as a source alone.
    const meant = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address
    return this.ownAddresses().some((own) => {
      if (own.kind !== 'tcp' || own.port !== port) return false
      const host = bareAddress(own.host)
      if (host === '' || host === '::' || host === '0.0.0.0') return this.local.has(meant)
      return host === meant
    })
  }
}
