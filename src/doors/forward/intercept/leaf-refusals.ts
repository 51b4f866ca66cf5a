import type { Scope } from '../../../engine/scope.ts'
import type { EngineServices } from '../../../engine/services.ts'
import { addressPrefix } from '../../../policy/address-prefix.ts'

interface Refusals {
  /** Since the client last accepted a certificate for the name. */
  inRow: number
  /** World.now until when its tunnels to the name are not looked into. */
  splicedUntil: number
}

/** How long a client's tunnels are spliced before it is tried again: programs get updates, and authorities get trusted. */
const SPLICED_MS = 3_600_000
const MAX_ENTRIES = 4_096
/** Of IPv6, what one customer has. */
const CLIENT_BITS = 64

/**
 * Which clients do not accept certificates made here, by name (T8). Who refuses one changes nothing for other clients:
 * nobody can switch interception off for all.
 */
export class LeafRefusals {
  private readonly services: EngineServices
  private readonly entries = new Map<string, Refusals>()

  private constructor(services: EngineServices) {
    this.services = services
  }

  /** One for all configs, so that a reload forgets nothing. */
  static shared(services: EngineServices, scope: Scope): LeafRefusals {
    return scope.shared('forward leaf refusals', () => new LeafRefusals(services))
  }

  /** `limit`: how many in a row have the tunnels spliced; 0 for never. */
  refused(name: string, clientAddress: string, limit: number, cause: Error): void {
    const { services, entries } = this
    const key = keyOf(name, clientAddress)
    const entry = entries.get(key) ?? { inRow: 0, splicedUntil: 0 }
    entries.delete(key)
    entries.set(key, entry)
    if (entries.size > MAX_ENTRIES) for (const oldest of entries.keys()) if (entries.delete(oldest)) break
    entry.inRow++
    const fields = { name, client: clientAddress, refusals: entry.inRow, cause: cause.message }
    if (entry.inRow === 1) services.notify('warn', 'a client refuses our certificate', fields)
    if (limit === 0 || entry.inRow < limit) return
    entry.splicedUntil = services.world.now() + SPLICED_MS
    services.notify('warn', 'a client keeps refusing our certificate: its tunnels are spliced for an hour', fields)
  }

  accepted(name: string, clientAddress: string): void {
    if (this.entries.size > 0) this.entries.delete(keyOf(name, clientAddress))
  }

  /** Whether its tunnels to the name are not looked into at the moment. */
  areSpliced(name: string, clientAddress: string): boolean {
    const entry = this.entries.get(keyOf(name, clientAddress))
    return entry !== undefined && entry.splicedUntil > this.services.world.now()
  }
}

function keyOf(name: string, clientAddress: string): string {
  return `${name} ${addressPrefix(clientAddress, CLIENT_BITS)}`
}
