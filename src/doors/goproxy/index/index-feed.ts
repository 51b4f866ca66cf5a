import { randomBytes } from 'node:crypto'
import { TurnpikeError } from '../../../core/error.ts'
import type { Scope } from '../../../engine/scope.ts'
import type { Notify } from '../../../engine/services.ts'
import type { World } from '../../../engine/world.ts'
import type { DocumentStore } from '../store/document-store.ts'
import type { StoredVersion } from '../store/module-store.ts'
import { formatMicroseconds, indexLine, parseMicroseconds, readIndexLines, type IndexEntry } from './index-entry.ts'

/** As the public module index: most lines of an answer, and the default. */
const MAX_LINES = 2000
/** A part is written anew with each version that comes, until it has so many, or spans so long. */
const PART_ENTRIES = 500
const PART_US = 3_600e6
/** Entries that wait for a store that fails; beyond it the oldest are lost. */
const MAX_WAITING = 10_000
const RETRY_MS = 5000
const PREFIX = 'index/'

export interface IndexFeedParts {
  documents: DocumentStore
  scope: Scope
  world: Pick<World, 'wallClock'>
  notify: Notify
}

/** One document of the feed: entries of one process, in order. */
interface Part {
  name: string
  /** When its first entry came. */
  fromUs: number
  entries: IndexEntry[]
}

/**
 * Which versions came to be kept here, in order, for mirrors and scanners that follow: `/index?since=TIME&limit=N` as the
 * public module index has it. Kept in parts, each written by one process, so that no two wait for one another; a part is
 * named by when its first entry came.
 */
export class IndexFeed implements AsyncDisposable {
  private readonly parts: IndexFeedParts
  private part: Part | null = null
  private waiting: IndexEntry[] = []
  private lastUs = 0
  private writing: Promise<void> | null = null
  private failing = false

  constructor(parts: IndexFeedParts) {
    this.parts = parts
    parts.scope.use(this)
    parts.scope.every(RETRY_MS, () => this.write())
  }

  /** Hears of what came to be kept: a version is listed when its `.info` is, or with its zip where it was published. */
  stored({ module, version, zip, origin }: StoredVersion): void {
    if (zip !== null && origin !== 'published') return
    this.lastUs = Math.max(this.lastUs + 1, this.parts.world.wallClock() * 1000)
    this.waiting.push({ module, version, atUs: this.lastUs })
    if (this.waiting.length > MAX_WAITING) this.waiting.shift()
    this.write()
  }

  /**
   * JSON lines of what came at `since` (RFC 3339; default: the first of all) or later, at most `limit`, oldest first.
   * Rejects with ERR_MODULE_QUERY for parameters that it cannot read.
   */
  async serve(query: URLSearchParams): Promise<Buffer> {
    const sinceUs = readSince(query.get('since'))
    const limit = readLimit(query.get('limit'))
    const found: IndexEntry[] = []
    for await (const name of this.parts.documents.list(PREFIX, partName(Math.max(0, sinceUs - PART_US)))) {
      // Parts of several processes overlap: one that begins behind what is full already has nothing earlier.
      const full = found[limit - 1]
      if (full !== undefined && name > partName(full.atUs)) break
      const document = await this.parts.documents.get(name)
      if (document === null) continue
      found.push(...readIndexLines(document.bytes.toString()).filter(({ atUs }) => atUs >= sinceUs))
      found.sort((a, b) => a.atUs - b.atUs)
    }
    return Buffer.from(found.slice(0, limit).map(indexLine).join(''))
  }

  /** Writes what waits, one write at a time: what comes meanwhile goes with the next. */
  private write(): void {
    if (this.writing !== null || this.waiting.length === 0) return
    this.writing = this.writeAll()
  }

  private async writeAll(): Promise<void> {
    try {
      while (this.waiting.length > 0) await this.writeSome()
      this.failing = false
    } catch (error) {
      this.fails(error)
    }
    this.writing = null
  }

  private async writeSome(): Promise<void> {
    const part = this.nextPart()
    const room = this.waiting.slice(0, PART_ENTRIES - part.entries.length)
    const taken = room.filter(({ atUs }) => atUs - part.fromUs < PART_US)
    const entries = [...part.entries, ...taken]
    await this.parts.documents.put(part.name, Buffer.from(entries.map(indexLine).join('')))
    this.part = { ...part, entries }
    // The oldest may have gone meanwhile.
    this.waiting = this.waiting.filter(({ atUs }) => atUs > taken.at(-1)!.atUs)
  }

  private nextPart(): Part {
    const { part } = this
    const fromUs = this.waiting[0]!.atUs
    if (part !== null && part.entries.length < PART_ENTRIES && fromUs - part.fromUs < PART_US) return part
    return { name: `${partName(fromUs)}-${randomBytes(6).toString('hex')}`, fromUs, entries: [] }
  }

  private fails(thrown: unknown): void {
    if (this.failing) return
    this.failing = true
    const { code, message } = TurnpikeError.from(thrown, 'body')
    this.parts.notify('warn', 'the index feed could not be written: it is tried again', { code, error: message })
  }

  /** Called when the scope closes: what waits is written, once. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.writing
    this.write()
    await this.writing
  }
}

/** Sorted by name is sorted by time. Days are folders, so that none grows for ever. */
function partName(us: number): string {
  const [day, time] = formatMicroseconds(us).split('T')
  return `${PREFIX}${day}/${time!.replaceAll(':', '-')}`
}

function readSince(text: string | null): number {
  if (text === null || text === '') return 0
  const us = parseMicroseconds(text)
  if (us !== null) return us
  throw new TurnpikeError('ERR_MODULE_QUERY', { message: 'since is no time such as 2026-02-03T04:05:06Z.' })
}

function readLimit(text: string | null): number {
  if (text === null || text === '') return MAX_LINES
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (limit > 0) return Math.min(limit, MAX_LINES)
  throw new TurnpikeError('ERR_MODULE_QUERY', { message: 'limit is no number from 1 up.' })
}
