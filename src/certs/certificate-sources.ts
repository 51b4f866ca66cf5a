import type { CertificateConfig } from '../engine/config.ts'
import type { CertificateMaterial, CertificateSource } from '../engine/tls/tls-material.ts'
import type { World } from '../engine/world.ts'

/** What a listener shows its clients, in the order of its config. Rejects with ERR_AUTHORITY and ERR_LEAF_NAME. */
export function certificateSources(
  certificates: readonly CertificateConfig[],
  world: Pick<World, 'wallClock'>,
): Promise<(CertificateMaterial | CertificateSource)[]> {
  return Promise.all(
    certificates.map(async (each) => {
      if (!('authority' in each)) return { cert: each.cert.text, key: each.key.text, label: each.cert.path }
      // What few listeners need is loaded for them alone.
      const { RenewedCertificate } = await import('./renewed-certificate.ts')
      return RenewedCertificate.open(each.authority, each.names, world)
    }),
  )
}
