import type { X509Certificate } from 'node:crypto'

/** Finds the certificate for a name: exact before wildcard, the earlier before the later, the first by default. */
export class CertificateSelector {
  private readonly exact = new Map<string, number>()
  /** By what follows `*.`. */
  private readonly wildcard = new Map<string, number>()

  /** `certificates`: the names of each. */
  constructor(certificates: readonly (readonly string[])[]) {
    certificates.forEach((all, position) => {
      for (const name of all) {
        const [names, key] = name.startsWith('*.') ? [this.wildcard, name.slice(2)] : [this.exact, name]
        if (!names.has(key)) names.set(key, position)
      }
    })
  }

  /** Position of the certificate for a name in lower case; 0 where none names it. */
  positionOf(name: string): number {
    return this.find(name) ?? 0
  }

  /** Whether a certificate names it. */
  has(name: string): boolean {
    return this.find(name) !== undefined
  }

  private find(name: string): number | undefined {
    const exact = this.exact.get(name)
    if (exact !== undefined) return exact
    // RFC 9525 §6.3: a wildcard stands for exactly the first label.
    const dot = name.indexOf('.')
    return dot > 0 ? this.wildcard.get(name.slice(dot + 1)) : undefined
  }
}

/** The DNS names and addresses of a certificate, lower case; the common name where it has no alternative names. */
export function certificateNames(certificate: X509Certificate): string[] {
  const names = (certificate.subjectAltName ?? '')
    .split(', ')
    .flatMap((entry) => /^(?:DNS|IP Address):([^"]+)$/.exec(entry)?.[1]?.toLowerCase() ?? [])
  if (names.length > 0) return names
  const commonName = /^CN=(.+)$/m.exec(certificate.subject)?.[1]
  return commonName === undefined ? [] : [commonName.toLowerCase()]
}
