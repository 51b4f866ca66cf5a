import type { Scope } from '../../../engine/scope.ts'
import type { EngineServices } from '../../../engine/services.ts'
import { HarFile } from './har-file.ts'

/** What may wait for the disk. */
const MOST_WAITING_BYTES = 32 * 1024 * 1024
const BATCH_BYTES = 4 * 1024 * 1024
/** What is shown to who begins to watch. */
const RECENT_FLOWS = 100
const RECENT_BYTES = 4 * 1024 * 1024

/** A flow to be written down. */
export interface JournalItem {
  /** About what it holds in memory. */
  bytes: number
  /** Its HAR entry, as a JSON text in one line. */
  entry(): Promise<string>
}

/** Who watches flows as they end. */
export interface FlowWatcher {
  flow(entry: string): void
  /** There will be no more of them. */
  ended(): void
}

/** The flows of one file, in the order in which they ended: written one batch at a time, shown to whoever watches. */
export class FlowJournal implements AsyncDisposable {
  /** Rejects with ERR_FLOWS_FILE where the file cannot be written. */
  readonly ready: Promise<void>
  private file: HarFile | null = null
  private readonly path: string
  private readonly services: EngineServices
  private readonly scope: Scope
  private readonly watchers = new Set<FlowWatcher>()
  private readonly recentEntries: string[] = []
  private recentBytes = 0
  private waiting: JournalItem[] = []
  private waitingBytes = 0
  private writing: Promise<void> | null = null
  /** Since the last time that somebody was told. */
  private lost = 0
  private failing = false
  private closed = false

  constructor(path: string, version: string, maxBytes: number, services: EngineServices, scope: Scope) {
    this.path = path
    this.services = services
    this.scope = scope
    this.ready = this.open(version, maxBytes)
    // Who waits for it is told; nobody need.
    this.ready.catch(() => {})
    scope.use(this)
  }

  /** How large the file may become from now on. */
  set maxBytes(bytes: number) {
    if (this.file !== null) this.file.maxBytes = bytes
  }

  /** Never waits: what the disk is too slow for is left out, and told. */
  add(item: JournalItem): void {
    if (this.closed || this.waitingBytes + item.bytes > MOST_WAITING_BYTES) {
      this.lose(1, 'the disk is too slow')
      return
    }
    this.waiting.push(item)
    this.waitingBytes += item.bytes
    if (this.writing === null) this.scope.task(() => this.write())
  }

  /** Of the last ones, the oldest first. */
  get recent(): readonly string[] {
    return this.recentEntries
  }

  /** Call what is returned to hear no more. */
  watch(watcher: FlowWatcher): () => void {
    this.watchers.add(watcher)
    return () => this.watchers.delete(watcher)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ready.catch(() => {})
    while (this.waiting.length > 0 || this.writing !== null) await this.write()
    this.closed = true
    for (const watcher of this.watchers) watcher.ended()
    this.watchers.clear()
    if (this.file === null) return
    await this.file.close()
    this.services.ledger.strike('flowFiles')
  }

  private async open(version: string, maxBytes: number): Promise<void> {
    this.file = await HarFile.open(this.path, version, maxBytes)
    this.services.ledger.enter('flowFiles')
  }

  /** Resolves when nothing waits any more. */
  private async write(): Promise<void> {
    this.writing ??= this.drain().finally(() => (this.writing = null))
    await this.writing
  }

  private async drain(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch: string[] = []
      for (let bytes = 0; this.waiting.length > 0 && bytes < BATCH_BYTES;) {
        const item = this.waiting.shift()!
        this.waitingBytes -= item.bytes
        const entry = await this.entryOf(item)
        if (entry === null) continue
        batch.push(entry)
        bytes += entry.length
        this.show(entry)
      }
      await this.append(batch)
    }
  }

  /** Null for one that cannot be told: a fault of ours is no reason to lose the others. */
  private async entryOf(item: JournalItem): Promise<string | null> {
    try {
      return await item.entry()
    } catch (error) {
      this.lose(1, String(error))
      return null
    }
  }

  private async append(batch: readonly string[]): Promise<void> {
    try {
      await this.ready
      const large = await this.file!.append(batch)
      this.failing = false
      if (large > 0) this.lose(large, 'they are larger than record.maxSize')
    } catch (error) {
      this.lose(batch.length, error instanceof Error ? error.message : String(error))
    }
  }

  private show(entry: string): void {
    this.recentEntries.push(entry)
    this.recentBytes += entry.length
    while (this.recentEntries.length > RECENT_FLOWS || this.recentBytes > RECENT_BYTES)
      this.recentBytes -= this.recentEntries.shift()!.length
    for (const watcher of this.watchers) watcher.flow(entry)
  }

  /** Told when it begins, not each time. */
  private lose(count: number, why: string): void {
    this.lost += count
    if (this.failing) return
    this.failing = true
    this.services.notify('warn', 'flows are not written down', { file: this.path, why, lost: this.lost })
    this.lost = 0
  }
}
