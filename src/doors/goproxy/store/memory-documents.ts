import type { World } from '../../../engine/world.ts'
import { checkDocumentName } from './document-name.ts'
import type { Document, DocumentStore } from './document-store.ts'
import { Turns } from './turns.ts'

/** Documents in memory. */
export class MemoryDocuments implements DocumentStore {
  private readonly world: World
  private readonly kept = new Map<string, Document>()
  private readonly turns = new Turns()

  constructor(world: World) {
    this.world = world
  }

  get(name: string): Promise<Document | null> {
    return Promise.resolve(this.kept.get(name) ?? null)
  }

  put(name: string, bytes: Buffer): Promise<void> {
    checkDocumentName(name)
    this.kept.set(name, { bytes: Buffer.from(bytes), putAtMs: this.world.wallClock() })
    return Promise.resolve()
  }

  remove(name: string): Promise<void> {
    this.kept.delete(name)
    return Promise.resolve()
  }

  async *list(prefix: string, after = ''): AsyncIterable<string> {
    const names = [...this.kept.keys()].filter((name) => name.startsWith(prefix) && name > after)
    yield* names.toSorted((a, b) => (a < b ? -1 : 1))
  }

  /** Nobody else uses this place, and no hold is ever lost. */
  exclusively<T>(name: string, work: (signal: AbortSignal) => Promise<T>, patience?: AbortSignal): Promise<T> {
    checkDocumentName(name)
    return this.turns.take(name, () => work(new AbortController().signal), patience)
  }
}
