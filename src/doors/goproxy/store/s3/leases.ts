import { createHash, randomUUID } from 'node:crypto'
import type { Scope } from '../../../../engine/scope.ts'
import type { EngineServices } from '../../../../engine/services.ts'
import { pause } from '../pause.ts'
import { storeError } from '../store-error.ts'
import { Turns } from '../turns.ts'
import { uploadOf, type Bucket } from './bucket.ts'

const HEARTBEAT_MS = 5_000
/** A lease that did not change for so long, as the one who waits sees it, is taken over. */
const STALE_MS = 30_000
/** A holder that could not renew for so long takes its lease for lost, before anybody else does. */
const LOST_MS = 20_000
const POLL_MS = 200

interface Lease {
  key: string
  token: string
  etag: string
  beats: number
  beatMs: number
  lost: AbortController
}

/** Locks that every replica sees: objects that are made, renewed and taken over by conditional writes alone. */
export class Leases {
  private readonly bucket: Bucket
  private readonly services: EngineServices
  private readonly scope: Scope
  private readonly turns = new Turns()
  private readonly held = new Set<Lease>()

  constructor(bucket: Bucket, services: EngineServices, scope: Scope) {
    this.bucket = bucket
    this.services = services
    this.scope = scope
    scope.every(HEARTBEAT_MS, () => {
      for (const lease of this.held) scope.task(() => this.beat(lease))
    })
  }

  /** See `DocumentStore.exclusively`. */
  exclusively<T>(name: string, work: (signal: AbortSignal) => Promise<T>, patience?: AbortSignal): Promise<T> {
    const key = `leases/${createHash('sha256').update(name).digest('hex').slice(0, 32)}`
    return this.turns.take(key, () => this.hold(key, work, patience), patience)
  }

  private async hold<T>(key: string, work: (signal: AbortSignal) => Promise<T>, patience?: AbortSignal): Promise<T> {
    const lease = await this.acquire(key, patience)
    this.held.add(lease)
    this.services.ledger.enter('storeLocks')
    try {
      return await work(lease.lost.signal)
    } finally {
      this.held.delete(lease)
      this.services.ledger.strike('storeLocks')
      await this.release(lease)
    }
  }

  private async acquire(key: string, patience?: AbortSignal): Promise<Lease> {
    const { world } = this.services
    const token = randomUUID()
    let seen = { etag: '', sinceMs: world.now() }
    for (;;) {
      const stale = seen.etag !== '' && world.now() - seen.sinceMs > STALE_MS
      const etag = await this.bucket.put(key, content(token, 0), stale ? { etag: seen.etag } : 'absent')
      if (etag !== null) return { key, token, etag, beats: 0, beatMs: world.now(), lost: new AbortController() }
      const there = await this.bucket.get(key)
      // A try that was repeated may have been the one that made it.
      if (there !== null && tokenOf(there.bytes) === token) {
        return { key, token, etag: there.etag, beats: 0, beatMs: world.now(), lost: new AbortController() }
      }
      if ((there?.etag ?? '') !== seen.etag) seen = { etag: there?.etag ?? '', sinceMs: world.now() }
      await pause(this.scope, POLL_MS * (1 + world.random()), patience)
    }
  }

  private async beat(lease: Lease): Promise<void> {
    const nowMs = this.services.world.now()
    try {
      const renewed = content(lease.token, ++lease.beats)
      const etag = (await this.bucket.put(lease.key, renewed, { etag: lease.etag })) ?? (await this.ownEtag(lease))
      if (etag === null) return lose(lease)
      lease.etag = etag
      lease.beatMs = nowMs
    } catch (error) {
      if (nowMs - lease.beatMs > LOST_MS) lose(lease, error)
    }
  }

  /** A renewal that was repeated fails on what its own first try wrote. */
  private async ownEtag({ key, token }: Lease): Promise<string | null> {
    const there = await this.bucket.get(key)
    return there !== null && tokenOf(there.bytes) === token ? there.etag : null
  }

  /** Only where nobody can have taken it over: S3 has no conditional delete that all servers know. Else it goes stale. */
  private async release({ key, beatMs, lost }: Lease): Promise<void> {
    if (!lost.signal.aborted && this.services.world.now() - beatMs < LOST_MS) await this.bucket.remove(key)
  }
}

function lose(lease: Lease, cause?: unknown): void {
  lease.lost.abort(storeError('lost a lock to somebody else', cause))
}

/** Each renewal is other bytes, so that it has another ETag. */
const content = (token: string, beats: number): ReturnType<typeof uploadOf> =>
  uploadOf(Buffer.from(`${token} ${beats}\n`))

const tokenOf = (bytes: Buffer): string => bytes.toString().split(' ')[0]!
