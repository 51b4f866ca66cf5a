import { createHash, randomBytes, sign, type KeyObject } from 'node:crypto'
import { ipBytes, isIPv6 } from '../core/ip.ts'
import { der } from './der.ts'

/** What a certificate says. */
export interface CertificateFields {
  /** Names, as DER. */
  issuer: Uint8Array
  subject: Uint8Array
  /** ms since 1970; both ends are within. */
  notBefore: number
  notAfter: number
  /** SubjectPublicKeyInfo. */
  publicKey: Uint8Array
  extensions: readonly Uint8Array[]
}

const ecdsaWithSha256 = der.sequence(der.oid('1.2.840.10045.4.3.2'))
const SERIAL_BYTES = 16

/** The certificate as DER, signed with a P-256 key; its serial number is random (RFC 5280 §4.1.2.2). */
export function signCertificate(fields: CertificateFields, key: KeyObject): Buffer {
  const { issuer, subject, notBefore, notAfter, publicKey, extensions } = fields
  const version3 = der.context(0, der.integer(Uint8Array.of(2)), true)
  const content = der.sequence(
    version3,
    der.integer(randomBytes(SERIAL_BYTES)),
    ecdsaWithSha256,
    issuer,
    der.sequence(der.time(notBefore), der.time(notAfter)),
    subject,
    publicKey,
    der.context(3, der.sequence(...extensions), true),
  )
  return der.sequence(content, ecdsaWithSha256, der.bits(sign('sha256', content, key)))
}

/** A Name of nothing but a common name. */
export function commonName(text: string): Buffer {
  return der.sequence(der.set(der.sequence(der.oid('2.5.4.3'), der.text(text))))
}

/** RFC 7093 §2, method 1. */
export function keyIdentifier(publicKey: Uint8Array): Buffer {
  return createHash('sha256').update(publicKey).digest().subarray(0, 20)
}

/** Extensions of RFC 5280 §4.2, each as a whole Extension. */
export const extension = {
  /** `pathLength` null: no authority. */
  basicConstraints: (pathLength: number | null): Buffer =>
    critical(
      '2.5.29.19',
      der.sequence(...(pathLength === null ? [] : [der.boolean(true), der.integer(Uint8Array.of(pathLength))])),
    ),
  /** keyCertSign and cRLSign. */
  signsCertificates: (): Buffer => critical('2.5.29.15', der.bits(Uint8Array.of(0b0000_0110), 1)),
  digitalSignature: (): Buffer => critical('2.5.29.15', der.bits(Uint8Array.of(0b1000_0000), 7)),
  serverAuth: (): Buffer => plain('2.5.29.37', der.sequence(der.oid('1.3.6.1.5.5.7.3.1'))),
  subjectKeyIdentifier: (identifier: Uint8Array): Buffer => plain('2.5.29.14', der.octets(identifier)),
  authorityKeyIdentifier: (identifier: Uint8Array): Buffer =>
    plain('2.5.29.35', der.sequence(der.context(0, identifier, false))),
  /** Critical where the subject is empty (§4.2.1.6). */
  subjectAltName(names: readonly string[], subjectIsEmpty: boolean): Buffer {
    const list = der.sequence(...names.map(generalName))
    return (subjectIsEmpty ? critical : plain)('2.5.29.17', list)
  },
  nameConstraints: (content: Uint8Array): Buffer => critical('2.5.29.30', content),
} as const

function critical(id: string, value: Uint8Array): Buffer {
  return der.sequence(der.oid(id), der.boolean(true), der.octets(value))
}

function plain(id: string, value: Uint8Array): Buffer {
  return der.sequence(der.oid(id), der.octets(value))
}

/** RFC 5280 §4.2.1.6: an iPAddress for an address, else a dNSName. */
function generalName(name: string): Buffer {
  const bytes = ipBytes(name)
  if (bytes === null) return der.context(2, Buffer.from(name, 'latin1'), false)
  return der.context(7, isIPv6(name) ? bytes : bytes.subarray(12), false)
}
