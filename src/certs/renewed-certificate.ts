import { hostname } from 'node:os'
import { contentKey, type CertificateMaterial, type CertificateSource } from '../engine/tls/tls-material.ts'
import type { World } from '../engine/world.ts'
import type { Authority } from './authority.ts'
import { renewalTime } from './leaf-cache.ts'
import { isDnsName } from './name-scope.ts'
import { openAuthority } from './open-authority.ts'

/** A laptop that slept through a weekend still serves a valid one. */
const LIFETIME_MS = 30 * 86_400_000

/** A certificate of a local authority, made anew once a day, at the first handshake from then on. */
export class RenewedCertificate implements CertificateSource {
  readonly key: string
  private readonly authority: Authority
  private readonly names: readonly string[]
  private readonly world: Pick<World, 'wallClock'>
  private made: { certificate: CertificateMaterial; renewAt: number }

  private constructor(authority: Authority, names: readonly string[], world: Pick<World, 'wallClock'>) {
    this.key = contentKey([authority.fingerprint, ...names])
    this.authority = authority
    this.names = names
    this.world = world
    this.made = this.make()
  }

  /** `names` undefined: those of this machine. Rejects with ERR_AUTHORITY and ERR_LEAF_NAME. */
  static async open(
    folder: string,
    names: readonly string[] | undefined,
    world: Pick<World, 'wallClock'>,
  ): Promise<RenewedCertificate> {
    return new RenewedCertificate(await openAuthority(folder), names ?? machineNames(), world)
  }

  current(): CertificateMaterial {
    if (this.world.wallClock() >= this.made.renewAt) this.made = this.make()
    return this.made.certificate
  }

  private make(): RenewedCertificate['made'] {
    const { authority, names } = this
    const now = this.world.wallClock()
    const { chain, key, expiresAt } = authority.issue(names, LIFETIME_MS, now)
    return { certificate: { cert: chain, key, label: `of ${authority.name}` }, renewAt: renewalTime(now, expiresAt) }
  }
}

function machineNames(): string[] {
  const name = hostname().toLowerCase()
  return [...new Set(['localhost', '127.0.0.1', '::1', ...(isDnsName(name) ? [name] : [])])]
}
