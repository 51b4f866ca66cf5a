import { networkInterfaces } from 'node:os'
import { CidrSet } from '../../core/address.ts'
import { canonicalHost } from '../../core/canonical-host.ts'
import type { World } from '../../engine/world.ts'

/** Addresses come and go with interfaces; asking the system costs some 100 µs. */
const KEPT_MS = 5_000

const loopback = new CidrSet(['127.0.0.0/8', '::1/128'])

/** The addresses of this machine. */
export class LocalAddresses {
  private readonly world: Pick<World, 'now'>
  private known = new Set<string>()
  private until = -Infinity

  constructor(world: Pick<World, 'now'>) {
    this.world = world
  }

  /** Whether bytes sent to an address stay here. */
  has(address: string): boolean {
    if (loopback.has(address)) return true
    if (this.world.now() >= this.until) this.ask()
    return this.known.has(bareAddress(address))
  }

  private ask(): void {
    const each = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
    this.known = new Set(each.map(({ address }) => bareAddress(address)))
    this.until = this.world.now() + KEPT_MS
  }
}

/** An address in the one text that it has, without its zone. */
export function bareAddress(address: string): string {
  const zone = address.indexOf('%')
  const bare = zone < 0 ? address : address.slice(0, zone)
  return canonicalHost(bare) ?? bare
}
