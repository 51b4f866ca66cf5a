import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { readBase64 } from './base64.ts'

/** The only algorithm of the note format that is in use: Ed25519 (G26). */
const ED25519 = 1
const KEY_BYTES = 32
/** RFC 8410 §7: what stands before the 32 bytes of a private Ed25519 key in PKCS #8. */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')

/** Knows the signatures of one key. */
export interface Verifier {
  readonly name: string
  /** First four bytes of the hash of name and key (G26). */
  readonly keyHash: number
  verify(text: Uint8Array, signature: Uint8Array): boolean
}

/** Makes the signatures of one key. */
export interface Signer {
  readonly name: string
  readonly keyHash: number
  /** What others need to know its signatures: `NAME+HASH+KEY`. */
  readonly verifierKey: string
  sign(text: Uint8Array): Buffer
}

/** Whether a key may have this name: no white space, no "+". */
export function isKeyName(name: string): boolean {
  return name !== '' && !/[\p{White_Space}+]/u.test(name)
}

/** Reads `NAME+HASH+KEY`. Throws a RangeError that says what is wrong. */
export function readVerifierKey(text: string): Verifier {
  const [name = '', hash = '', key = '', ...more] = splitKey(text, 3)
  const keyBytes = readKey(name, hash, key, more)
  const keyHash = hashKey(name, keyBytes)
  if (Number.parseInt(hash, 16) !== keyHash) throw new RangeError('The hash in the verifier key is not that of its key')
  const publicKey = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: keyBytes.subarray(1).toString('base64url') },
    format: 'jwk',
  })
  return { name, keyHash, verify: (message, signature) => verify(null, message, publicKey, signature) }
}

/** Reads `PRIVATE+KEY+NAME+HASH+KEY`. Throws a RangeError, in which nothing of the key is. */
export function readSignerKey(text: string): Signer {
  const [first, second, name = '', hash = '', key = '', ...more] = splitKey(text, 5)
  if (first !== 'PRIVATE' || second !== 'KEY') throw new RangeError('A signing key begins with PRIVATE+KEY+')
  const seed = readKey(name, hash, key, more).subarray(1)
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' })
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  const publicBytes = Buffer.concat([Buffer.of(ED25519), Buffer.from(x, 'base64url')])
  const keyHash = hashKey(name, publicBytes)
  if (Number.parseInt(hash, 16) !== keyHash) throw new RangeError('The hash in the signing key is not that of its key')
  return {
    name,
    keyHash,
    verifierKey: `${name}+${hex(keyHash)}+${publicBytes.toString('base64')}`,
    sign: (message) => sign(null, message, privateKey),
  }
}

/** Makes a new signing key, in the text form that `readSignerKey` takes. */
export function generateSignerKey(name: string): string {
  if (!isKeyName(name)) throw new RangeError(`${JSON.stringify(name)} is no name for a key`)
  const { d = '', x = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  const algorithm = Buffer.of(ED25519)
  const keyHash = hashKey(name, Buffer.concat([algorithm, Buffer.from(x, 'base64url')]))
  const seed = Buffer.concat([algorithm, Buffer.from(d, 'base64url')])
  return `PRIVATE+KEY+${name}+${hex(keyHash)}+${seed.toString('base64')}`
}

/** The last part is base64, which may have a "+" itself. */
function splitKey(text: string, parts: number): string[] {
  const all = text.split('+')
  return [...all.slice(0, parts - 1), all.slice(parts - 1).join('+')]
}

function readKey(name: string, hash: string, key: string, more: string[]): Buffer {
  if (more.length > 0 || !isKeyName(name) || !/^[0-9a-fA-F]{8}$/.test(hash)) {
    throw new RangeError('This is no key of the form NAME+HASH+KEY')
  }
  const bytes = readBase64(key)
  if (bytes === null || bytes.length === 0) throw new RangeError('The last part of the key is not base64')
  if (bytes[0] !== ED25519) throw new RangeError('The key is of an algorithm that is not known')
  if (bytes.length !== 1 + KEY_BYTES) throw new RangeError('The key is not of the length of an Ed25519 key')
  return bytes
}

/** G26: `sha256(name ‖ "\n" ‖ 0x01 ‖ key)`, its first four bytes. */
function hashKey(name: string, key: Buffer): number {
  return createHash('sha256').update(`${name}\n`).update(key).digest().readUInt32BE(0)
}

function hex(keyHash: number): string {
  return keyHash.toString(16).padStart(8, '0')
}
