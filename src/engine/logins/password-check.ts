import { hash, scrypt, timingSafeEqual } from 'node:crypto'
import { TurnpikeError } from '../../core/error.ts'
import { scryptBytes, type KnownPassword, type PasswordHash } from '../../core/password-hash.ts'
import type { Scope } from '../scope.ts'
import { BcryptThread } from './bcrypt-thread.ts'

/** Checked at a time: the thread pool has files and names to look up too. */
const AT_ONCE = 2
const WAITING = 64

/** Holds passwords against their hashes, off the event loop, a few at a time. */
export class PasswordCheck {
  private readonly bcrypt: BcryptThread
  private running = 0
  private readonly waiting: (() => void)[] = []

  constructor(bcrypt: BcryptThread) {
    this.bcrypt = bcrypt
  }

  /** The one of all who ask for it: what it bounds is this machine's. */
  static shared(scope: Scope): PasswordCheck {
    return scope.shared('passwordCheck', (own) => new PasswordCheck(new BcryptThread(own)))
  }

  /** Rejects with ERR_AUTH_BUSY where too many wait. */
  async isRight(password: string, known: KnownPassword): Promise<boolean> {
    if (known.kind === 'plain') return timingSafeEqual(hash('sha256', password, 'buffer'), known.sha256)
    if (this.running < AT_ONCE) {
      this.running++
    } else {
      if (this.waiting.length >= WAITING) throw new TurnpikeError('ERR_AUTH_BUSY', { fields: [['Retry-After', '10']] })
      // Its turn is handed on to it.
      await new Promise<void>((resolve) => this.waiting.push(resolve))
    }
    try {
      return known.kind === 'bcrypt'
        ? await this.bcrypt.isRight(password, known.text)
        : await isScryptRight(password, known)
    } finally {
      const next = this.waiting.shift()
      if (next === undefined) this.running--
      else next()
    }
  }
}

function isScryptRight(password: string, known: Extract<PasswordHash, { kind: 'scrypt' }>): Promise<boolean> {
  const { cost, blockSize, parallelization, salt, key } = known
  // Besides the blocks themselves, one for each of p, and some.
  const maxmem = scryptBytes(known) + 128 * blockSize * (parallelization + 2) + 1024
  return new Promise((resolve, reject) => {
    scrypt(password, salt, key.length, { cost, blockSize, parallelization, maxmem }, (error, made) => {
      if (error === null) resolve(timingSafeEqual(made, key))
      else reject(error)
    })
  })
}
