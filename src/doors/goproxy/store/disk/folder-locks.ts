import { createHash, randomBytes } from 'node:crypto'
import { lstat, lutimes, readdir, readlink, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Scope } from '../../../../engine/scope.ts'
import type { EngineServices } from '../../../../engine/services.ts'
import { pause } from '../pause.ts'
import { storeError } from '../store-error.ts'
import { Turns } from '../turns.ts'
import { codeOf, ifThere, unlinkIfThere } from './durable.ts'
import { hasEnded, ownIdentity } from './process-identity.ts'

const HEARTBEAT_MS = 5_000
/** Without a heartbeat for so long, as the one who waits sees it, a holder is passed over. */
const STALE_MS = 30_000
/** A holder that could not say so for so long takes its own hold for lost, before anybody else does. */
const LOST_MS = 20_000
const POLL_MS = 50

/** What is known of a hold, and since when it has not changed. */
interface Sighting {
  token: string
  mtimeMs: number
  sinceMs: number
}

interface Hold {
  token: string
  lost: AbortController
  beatMs: number
}

/**
 * Locks that all processes of one folder see, on one machine or several: symbolic links, which are made with their
 * text as one, or not at all. The text names the holder, the time of change is its heartbeat. It has less than 60
 * bytes: so it needs no block of its own (ext4), and versions can be removed where the disk is full.
 */
export class FolderLocks {
  private readonly folder: string
  private readonly services: EngineServices
  private readonly scope: Scope
  private readonly turns = new Turns()
  private readonly held = new Map<string, Hold>()

  constructor(folder: string, services: EngineServices, scope: Scope) {
    this.folder = folder
    this.services = services
    this.scope = scope
    scope.every(HEARTBEAT_MS, () => {
      if (this.held.size > 0) scope.task(() => this.beat())
    })
  }

  /** See `DocumentStore.exclusively`. */
  exclusively<T>(name: string, work: (signal: AbortSignal) => Promise<T>, patience?: AbortSignal): Promise<T> {
    const link = join(this.folder, createHash('sha256').update(name).digest('hex').slice(0, 32))
    return this.turns.take(link, () => this.hold(link, work, patience), patience)
  }

  /** Removes the locks of processes that have ended. */
  async sweep(): Promise<void> {
    const names = await readdir(this.folder)
    // A claim, whose name goes on behind that of its lock, before the lock that it is in the way of.
    for (const name of names.toSorted((a, b) => b.length - a.length)) {
      const link = join(this.folder, name)
      const token = await ifThere(readlink(link))
      if (token !== null && ended(token)) await this.removeIfStill(link, token)
    }
  }

  private async hold<T>(link: string, work: (signal: AbortSignal) => Promise<T>, patience?: AbortSignal): Promise<T> {
    const token = `${ownIdentity}/${randomBytes(6).toString('base64url')}`
    await this.acquire(link, token, patience)
    const hold: Hold = { token, lost: new AbortController(), beatMs: this.services.world.now() }
    this.held.set(link, hold)
    this.services.ledger.enter('storeLocks')
    try {
      return await work(hold.lost.signal)
    } finally {
      this.held.delete(link)
      this.services.ledger.strike('storeLocks')
      await this.removeIfStill(link, token)
    }
  }

  private async acquire(link: string, token: string, patience?: AbortSignal): Promise<void> {
    for (let seen: Sighting | null = null; !(await this.create(link, token));) {
      seen = await this.look(link, seen)
      if (seen === null) continue
      if (ended(seen.token) || this.services.world.now() - seen.sinceMs > STALE_MS) {
        if (await this.removeIfStill(link, seen.token)) continue
      }
      await pause(this.scope, POLL_MS * (1 + this.services.world.random()), patience)
    }
  }

  private async create(link: string, token: string): Promise<boolean> {
    try {
      await symlink(token, link)
      return true
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false
      throw storeError('cannot be locked', error)
    }
  }

  /** Null where nobody holds it any more. */
  private async look(link: string, before: Sighting | null): Promise<Sighting | null> {
    const token = await ifThere(readlink(link))
    const stats = await ifThere(lstat(link))
    if (token === null || stats === null) return null
    if (before?.token === token && before.mtimeMs === stats.mtimeMs) return before
    return { token, mtimeMs: stats.mtimeMs, sinceMs: this.services.world.now() }
  }

  /**
   * Ends the hold of that token, one's own or a stale one. Who removes it is decided first, by a link that one alone can
   * make: a plain look and unlink could hit the lock of the next holder. True where nobody holds that token any more.
   */
  private async removeIfStill(link: string, token: string): Promise<boolean> {
    const claim = `${link}.${createHash('sha256').update(token).digest('hex').slice(0, 16)}`
    if (!(await this.create(claim, ownIdentity))) {
      await this.clearClaim(claim)
      return false
    }
    try {
      if ((await ifThere(readlink(link))) === token) await unlinkIfThere(link)
    } finally {
      await unlinkIfThere(claim)
    }
    return true
  }

  /** Whoever claims a lock needs it for a moment: one who ended within it is cleared away. */
  private async clearClaim(claim: string): Promise<void> {
    const owner = await ifThere(readlink(claim))
    const stats = await ifThere(lstat(claim))
    if (owner === null || stats === null) return
    const old = this.services.world.wallClock() - stats.mtimeMs > STALE_MS
    if (ended(owner) || (old && hasEnded(owner) === null)) await unlinkIfThere(claim)
  }

  private async beat(): Promise<void> {
    for (const [link, hold] of this.held) {
      const nowMs = this.services.world.now()
      try {
        const still = (await ifThere(readlink(link))) === hold.token
        if (still) await lutimes(link, this.services.world.wallClock() / 1000, this.services.world.wallClock() / 1000)
        if (still) hold.beatMs = nowMs
        else this.lose(hold)
      } catch (error) {
        if (nowMs - hold.beatMs > LOST_MS) this.lose(hold, error)
      }
    }
  }

  private lose(hold: Hold, cause?: unknown): void {
    hold.lost.abort(storeError('lost a lock to somebody else', cause))
  }
}

const ended = (token: string): boolean => hasEnded(token.split('/')[0]!) === true
