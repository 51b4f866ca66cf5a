import { createPublicKey, generateKeyPairSync, X509Certificate, type KeyObject } from 'node:crypto'
import { TurnpikeError } from '../core/error.ts'
import { ipBytes } from '../core/ip.ts'
import { der } from './der.ts'
import { DerReader } from './der-reader.ts'
import { isDnsName, NameScope } from './name-scope.ts'
import { pem } from './pem.ts'
import { commonName, extension, keyIdentifier, signCertificate } from './x509.ts'

/** A certificate that an authority has made, with its key. */
export interface IssuedCertificate {
  /** PEM: the certificate, followed by the authority's. */
  readonly chain: string
  /** PEM of its private key. */
  readonly key: string
  /** ms since 1970. */
  readonly notBefore: number
  readonly expiresAt: number
}

/** Clocks of clients are behind by so much, often enough. */
const BACKDATED_MS = 3_600_000
const DAY_MS = 86_400_000
/** T6. Apple's and Chromium's limits fall step by step, and hold for local authorities one day. */
export const MAX_LIFETIME_MS = 197 * DAY_MS
const MAX_COMMON_NAME = 64

/** A certificate authority with its key: signs certificates for servers (T6). */
export class Authority {
  /** PEM. */
  readonly certificate: string
  /** What it calls itself. */
  readonly name: string
  /** SHA-256, as in `AB:CD:…`. */
  readonly fingerprint: string
  /** ms since 1970. */
  readonly startsAt: number
  readonly expiresAt: number
  private readonly key: KeyObject
  private readonly subject: Buffer
  private readonly keyIdentifier: Buffer
  /** Null: whatever the name. */
  private readonly scope: NameScope | null

  /** Throws a RangeError that says why it cannot sign. */
  constructor(certificate: string, key: KeyObject) {
    const parsed = parse(certificate)
    if (!parsed.ca) throw new RangeError('its certificate is not one of an authority')
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new RangeError('its key is not of P-256')
    if (!parsed.checkPrivateKey(key)) throw new RangeError('its key is not that of its certificate')
    this.certificate = pem('CERTIFICATE', parsed.raw)
    // Node escapes as RFC 4514 §2.4 wants.
    this.name = (/^CN=(.*)$/m.exec(parsed.subject)?.[1] ?? parsed.subject).replace(/\\(.)/g, '$1')
    this.fingerprint = parsed.fingerprint256
    this.startsAt = parsed.validFromDate.getTime()
    this.expiresAt = parsed.validToDate.getTime()
    this.key = key
    const { subject, extensions } = readCertificate(parsed.raw)
    this.subject = subject
    const own = extensions.get('551d0e')
    this.keyIdentifier =
      own === undefined
        ? keyIdentifier(createPublicKey(key).export({ type: 'spki', format: 'der' }))
        : new DerReader(own).next().content
    const constraints = extensions.get('551d1e')
    this.scope = constraints === undefined ? null : NameScope.read(constraints)
  }

  /** Whether it signs for a name or an address, as its own certificate and those that read it allow. */
  permits(name: string): boolean {
    return (ipBytes(name) !== null || isDnsName(name)) && (this.scope?.permits(name) ?? true)
  }

  /**
   * A certificate for names and addresses, with a new key: valid from an hour ago, for `lifetimeMs` from now, at most
   * for 197 days and as long as the authority itself. Throws ERR_LEAF_NAME, and ERR_AUTHORITY once that has run out.
   */
  issue(names: readonly string[], lifetimeMs: number, nowMs: number): IssuedCertificate {
    const refused = names.find((name) => !this.permits(name))
    if (refused !== undefined)
      throw new TurnpikeError('ERR_LEAF_NAME', { message: `${this.name} makes no certificate for ${refused}.` })
    if (nowMs >= this.expiresAt)
      throw new TurnpikeError('ERR_AUTHORITY', {
        message: `${this.name} ran out on ${new Date(this.expiresAt).toISOString()}.`,
      })
    const { publicKey, privateKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'der' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    })
    const notBefore = wholeSeconds(Math.max(nowMs - BACKDATED_MS, this.startsAt))
    // RFC 5280 §4.1.2.5: both ends are within.
    const notAfter = wholeSeconds(Math.min(nowMs + lifetimeMs, this.expiresAt, notBefore + MAX_LIFETIME_MS - 1_000))
    // An address there would count as a name, which a scope may exclude (RFC 6125 §6.4.4 as OpenSSL has it).
    const shown = names.find((name) => name.length <= MAX_COMMON_NAME && ipBytes(name) === null)
    const leaf = signCertificate(
      {
        issuer: this.subject,
        subject: shown === undefined ? emptyName : commonName(shown),
        notBefore,
        notAfter,
        publicKey,
        extensions: [
          extension.basicConstraints(null),
          extension.digitalSignature(),
          extension.serverAuth(),
          extension.subjectAltName(names, shown === undefined),
          extension.subjectKeyIdentifier(keyIdentifier(publicKey)),
          extension.authorityKeyIdentifier(this.keyIdentifier),
        ],
      },
      this.key,
    )
    return { chain: pem('CERTIFICATE', leaf) + this.certificate, key: privateKey, notBefore, expiresAt: notAfter }
  }
}

const emptyName = der.sequence()

function wholeSeconds(ms: number): number {
  return ms - (ms % 1_000)
}

function parse(certificate: string): X509Certificate {
  try {
    return new X509Certificate(certificate)
  } catch (cause) {
    throw new RangeError('its certificate cannot be read', { cause })
  }
}

/** RFC 5280 §4.1: the subject as it is written, and the extensions by the hex of their identifiers. */
function readCertificate(raw: Buffer): { subject: Buffer; extensions: Map<string, Buffer> } {
  const fields = new DerReader(raw).into().into()
  fields.nextIf(0xa0) // version
  for (const _ of ['serial', 'signature', 'issuer', 'validity']) fields.next()
  const subject = fields.next().whole
  fields.next() // key
  const extensions = new Map<string, Buffer>()
  const list = fields.nextIf(0xa3)
  for (const each = new DerReader(list?.content ?? der.sequence()).into(); !each.done;) {
    const one = each.into()
    const id = one.next().content.toString('hex')
    one.nextIf(0x01) // critical
    extensions.set(id, one.next().content)
  }
  return { subject, extensions }
}
