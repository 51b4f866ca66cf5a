import { hash } from 'node:crypto'
import type { World } from '../../../engine/world.ts'
import type { DocumentStore } from '../store/document-store.ts'
import type { StoreTrouble } from './store-trouble.ts'

const MAX_BYTES = 32 * 1024 * 1024
/** What an entry costs beside its bytes, about. */
const ENTRY_BYTES = 300

/** The last answer to something that changes. */
export interface KeptAnswer {
  bytes: Buffer
  /** When it was asked for, on the clock of `World.now`; before the process began, where it was kept longer. */
  askedAtMs: number
  /** The same in ms since 1970. */
  modifiedMs: number
  /** Nobody could be asked: until then it is not tried again. On the clock of `World.now`. */
  quietUntilMs: number
}

/** Keeps last answers: in memory what was wanted lately, in the store all of them, for other processes and later ones. */
export class KeptAnswers {
  private readonly world: World
  private readonly documents: DocumentStore
  private readonly trouble: StoreTrouble
  private readonly recent = new Map<string, KeptAnswer>()
  private bytes = 0

  constructor(world: World, documents: DocumentStore, trouble: StoreTrouble) {
    this.world = world
    this.documents = documents
    this.trouble = trouble
  }

  /** From memory, else from the store. Null where neither has it, or the store fails. */
  async get(key: string): Promise<KeptAnswer | null> {
    const recent = this.recent.get(key)
    if (recent === undefined) return this.load(key)
    this.recent.delete(key)
    this.recent.set(key, recent)
    return recent
  }

  /** From the store, where another process may have put a newer one. */
  async load(key: string): Promise<KeptAnswer | null> {
    const document = await this.trouble.unlessFailing(() => this.documents.get(documentName(key)))
    if (document === null) return null
    const ageMs = Math.max(0, this.world.wallClock() - document.putAtMs)
    const askedAtMs = this.world.now() - ageMs
    const recent = this.recent.get(key)
    // Where the clocks of machines differ, what this one asked for itself is not older.
    if (recent !== undefined && recent.askedAtMs >= askedAtMs) return recent
    return this.remember(key, { bytes: document.bytes, askedAtMs, modifiedMs: document.putAtMs, quietUntilMs: 0 })
  }

  /** A new one, asked for just now. Writing it down goes on behind. */
  put(key: string, bytes: Buffer): { kept: KeptAnswer; written: Promise<unknown> } {
    const { world } = this
    const kept = { bytes, askedAtMs: world.now(), modifiedMs: world.wallClock(), quietUntilMs: 0 }
    this.remember(key, kept)
    return { kept, written: this.trouble.unlessFailing(() => this.documents.put(documentName(key), bytes)) }
  }

  /** Nobody could be asked for a newer one: it is not tried again before then. */
  rest(key: string, untilMs: number): void {
    const recent = this.recent.get(key)
    if (recent !== undefined) recent.quietUntilMs = untilMs
  }

  /** It is an answer no more. */
  async forget(key: string): Promise<void> {
    this.drop(key)
    await this.trouble.unlessFailing(() => this.documents.remove(documentName(key)))
  }

  private remember(key: string, kept: KeptAnswer): KeptAnswer {
    this.drop(key)
    this.recent.set(key, kept)
    this.bytes += kept.bytes.length + key.length + ENTRY_BYTES
    for (const oldest of this.recent.keys()) {
      if (this.bytes <= MAX_BYTES || oldest === key) break
      this.drop(oldest)
    }
    return kept
  }

  private drop(key: string): void {
    const kept = this.recent.get(key)
    if (kept === undefined) return
    this.recent.delete(key)
    this.bytes -= kept.bytes.length + key.length + ENTRY_BYTES
  }
}

/** A branch may be called anything, and be longer than names of files are. */
function documentName(key: string): string {
  return `answers/${hash('sha256', key)}`
}
