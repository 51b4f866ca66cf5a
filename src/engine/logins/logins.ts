import { hash, randomBytes } from 'node:crypto'
import type { KnownPassword } from '../../core/password-hash.ts'
import type { World } from '../world.ts'
import type { PasswordCheck } from './password-check.ts'

/** Right passwords that are remembered, and for how long. */
const REMEMBERED = 1000
const REMEMBERED_MS = 5 * 60_000

/**
 * Who an `Authorization` field proves to be. What was right is remembered for a while by a keyed hash of
 * the field: checking a password takes a tenth of a second on purpose.
 */
export class Logins {
  private readonly hashes: ReadonlyMap<string, KnownPassword>
  private readonly all: readonly KnownPassword[]
  private readonly check: PasswordCheck
  private readonly world: Pick<World, 'now'>
  private readonly key = randomBytes(32).toString('base64')
  private readonly right = new Map<string, { user: string; until: number }>()
  /** A browser asks for many things at once with the same password. */
  private readonly checking = new Map<string, Promise<string | null>>()

  constructor(hashes: ReadonlyMap<string, KnownPassword>, check: PasswordCheck, world: Pick<World, 'now'>) {
    this.hashes = hashes
    this.all = [...hashes.values()]
    this.check = check
    this.world = world
  }

  /** The user, null where it proves nobody. Rejects with ERR_AUTH_BUSY. */
  userOf(authorization: string): string | null | Promise<string | null> {
    const key = this.digest(authorization)
    const known = this.right.get(key)
    if (known !== undefined && known.until > this.world.now()) return known.user
    const running = this.checking.get(key)
    if (running !== undefined) return running
    const credentials = readCredentials(authorization)
    if (credentials === null) return null
    const result = this.prove(key, credentials).finally(() => this.checking.delete(key))
    this.checking.set(key, result)
    return result
  }

  private async prove(key: string, { user, password }: Credentials): Promise<string | null> {
    const own = this.hashes.get(user)
    // A name that nobody has costs what some other one costs, always the same: time does not tell who exists.
    const right = await this.check.isRight(password, own ?? this.decoy(user))
    if (!right || own === undefined) return null
    this.right.delete(key)
    if (this.right.size >= REMEMBERED) this.right.delete(this.right.keys().next().value!)
    this.right.set(key, { user, until: this.world.now() + REMEMBERED_MS })
    return user
  }

  private decoy(user: string): KnownPassword {
    return this.all[Number.parseInt(this.digest(user).slice(0, 8), 16) % this.all.length]!
  }

  private digest(text: string): string {
    return hash('sha256', this.key + text, 'hex')
  }
}

interface Credentials {
  user: string
  password: string
}

/** RFC 7617 §2. */
function readCredentials(authorization: string): Credentials | null {
  const [, base64] = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization) ?? []
  if (base64 === undefined) return null
  const text = Buffer.from(base64, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? null : { user: text.slice(0, colon), password: text.slice(colon + 1) }
}
