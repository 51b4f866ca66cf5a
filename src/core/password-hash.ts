import { hash } from 'node:crypto'

/** A password as it is kept: never the password itself. */
export type PasswordHash =
  | { kind: 'scrypt'; cost: number; blockSize: number; parallelization: number; salt: Buffer; key: Buffer }
  | { kind: 'bcrypt'; text: string }

/** A password that somebody may prove: kept as a hash, or by the SHA-256 of what the config says in plain. */
export type KnownPassword = PasswordHash | { kind: 'plain'; sha256: Buffer }

const scryptSyntax = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/
const bcryptSyntax = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/

/** What checking one password may take: so much memory, so many rounds. */
const MOST_BYTES = 128 * 1024 * 1024
const MOST_BCRYPT_ROUNDS = 16

/**
 * Reads `$scrypt$ln=15,r=8,p=3$salt$key` (base64 without padding, as PHC strings have it), or a bcrypt hash
 * `$2a$`, `$2b$`, `$2y$`; `user:` before it, as htpasswd writes it, is skipped. Throws a RangeError that does not show it.
 */
export function parsePasswordHash(text: string): PasswordHash {
  const kept = text.trim().replace(/^[^:$]*:/, '')
  const bcrypt = bcryptSyntax.exec(kept)
  if (bcrypt !== null) {
    const rounds = Number(bcrypt[1])
    if (rounds < 4 || rounds > MOST_BCRYPT_ROUNDS)
      throw new RangeError(`a bcrypt cost of ${rounds} is outside 4 to ${MOST_BCRYPT_ROUNDS}`)
    return { kind: 'bcrypt', text: kept }
  }
  const [, exponent, blockSize, parallelization, salt, key] = scryptSyntax.exec(kept) ?? []
  if (key === undefined)
    throw new RangeError('it is no scrypt or bcrypt hash: make one with turnpike hash-password or htpasswd -B')
  const parsed = {
    kind: 'scrypt' as const,
    cost: 2 ** Number(exponent),
    blockSize: Number(blockSize),
    parallelization: Number(parallelization),
    salt: Buffer.from(salt!, 'base64'),
    key: Buffer.from(key, 'base64'),
  }
  if (Number(exponent) < 1 || parsed.blockSize < 1 || parsed.parallelization < 1 || parsed.parallelization > 16)
    throw new RangeError('its scrypt parameters are outside ln 1 to 20, r 1 to 99, p 1 to 16')
  if (scryptBytes(parsed) > MOST_BYTES) throw new RangeError('its scrypt parameters ask for more than 128 MiB')
  if (parsed.salt.length < 8 || parsed.key.length < 16) throw new RangeError('its salt or key is too short')
  return parsed
}

/**
 * A password of the config: what looks like a hash is one, all else is the password itself.
 * Throws a RangeError that does not show it.
 */
export function readPassword(text: string): KnownPassword {
  if (/^(?:[^:$]*:)?\$(?:scrypt|2[aby])\$/.test(text)) return parsePasswordHash(text)
  return { kind: 'plain', sha256: hash('sha256', text, 'buffer') }
}

/** Memory that making a key takes. */
export function scryptBytes({ cost, blockSize }: { cost: number; blockSize: number }): number {
  return 128 * cost * blockSize
}

/** The PHC string of a key made with scrypt. */
export function formatScrypt(made: Extract<PasswordHash, { kind: 'scrypt' }>): string {
  const { cost, blockSize, parallelization, salt, key } = made
  return `$scrypt$ln=${Math.log2(cost)},r=${blockSize},p=${parallelization}$${base64(salt)}$${base64(key)}`
}

/** Base64 as PHC strings have it: without padding. */
function base64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}
