import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { TurnpikeError } from '../../core/error.ts'

/** A certificate chain and its key, as PEM text. */
export interface CertificateMaterial {
  cert: string
  key: string
  /** What it is called in errors, such as its path. */
  label: string
}

/** A certificate that is renewed while it serves. */
export interface CertificateSource {
  /** Differs where the certificate is another one, not where it was renewed. */
  readonly key: string
  /** The one to use now: the same object until it is renewed. Throws a TurnpikeError where it cannot be. */
  current(): CertificateMaterial
}

export type TlsVersion = '1.2' | '1.3'

/** The leaf of a chain. Throws ERR_CONFIG_INVALID where the text is no certificate or the key is another's. */
export function checkedCertificate(material: CertificateMaterial): X509Certificate {
  const { cert, key, label } = material
  const wrong = (message: string, cause?: unknown): TurnpikeError =>
    new TurnpikeError('ERR_CONFIG_INVALID', { message: `Certificate ${label}: ${message}.`, cause })
  let certificate: X509Certificate
  let matches: boolean
  try {
    certificate = new X509Certificate(cert)
  } catch (cause) {
    throw wrong('not a PEM certificate', cause)
  }
  try {
    matches = certificate.checkPrivateKey(createPrivateKey(key))
  } catch (cause) {
    throw wrong('the key is not a PEM private key', cause)
  }
  if (!matches) throw wrong('the key does not belong to the certificate')
  return certificate
}

/** The same text for the same parts, and only then. */
export function contentKey(parts: readonly (string | undefined)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}

/** As node:tls names them. */
export const tlsVersions = { '1.2': 'TLSv1.2', '1.3': 'TLSv1.3' } as const
