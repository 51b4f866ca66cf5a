import { TurnpikeError } from '../../../core/error.ts'
import type { Signer } from '../../../gomod/sumdb/note-key.ts'
import type { SumRecord } from '../../../gomod/sumdb/sum-record.ts'
import { SumdbError } from '../../../gomod/sumdb/sumdb-error.ts'
import { SumdbLog, type LogHead } from '../../../gomod/sumdb/sumdb-log.ts'
import type { Tile } from '../../../gomod/sumdb/tile.ts'
import type { DocumentStore } from '../store/document-store.ts'
import { lookupKey } from './sumdb-path.ts'
import { documentPrefix } from './verifier-keys.ts'

/** A version that is to be logged. */
export interface Entry {
  /** As `lookupKey` gives it. */
  key: string
  /** Its go.sum lines. */
  text: string
}

/**
 * A signed log of the hashes of versions among the documents of a store, and which record is whose. Rejects with ERR_SUMDB_INVALID
 * where it was damaged.
 */
export class HashLog {
  readonly verifierKey: string
  private readonly documents: DocumentStore
  private readonly prefix: string
  private readonly log: SumdbLog

  constructor(documents: DocumentStore, signer: Signer) {
    const prefix = documentPrefix(signer.verifierKey)
    this.verifierKey = signer.verifierKey
    this.documents = documents
    this.prefix = prefix
    this.log = new SumdbLog(
      {
        get: async (name) => (await documents.get(`${prefix}/${name}`))?.bytes ?? null,
        put: (name, bytes) => documents.put(`${prefix}/${name}`, bytes),
      },
      signer,
    )
  }

  head(): Promise<LogHead> {
    return believed(() => this.log.head())
  }

  /** Null where the newest tree has not so much of it. */
  tile(tile: Tile): Promise<Buffer | null> {
    return believed(async () => this.log.tile(await this.log.head(), tile))
  }

  /** The record of a version in a tree; null where it has none. */
  find(head: LogHead, key: string): Promise<SumRecord | null> {
    return believed(async () => {
      const id = Number((await this.documents.get(`${this.prefix}/lookup/${key}`))?.bytes ?? Number.NaN)
      if (!(id < head.size)) return null
      const text = await this.log.record(head, id)
      // The number may be from an append that did not come to its end, and be another version's by now.
      const [module = '', version = ''] = text?.split(' ', 2) ?? []
      return text !== null && lookupKey(module, version) === key ? { id, text } : null
    })
  }

  /** Appends what is not there yet. Gives those that are there with another text, with that text. Others who append wait. */
  append(entries: readonly Entry[], patience: AbortSignal): Promise<Map<Entry, string>> {
    return this.documents.exclusively(
      `${this.prefix}/append`,
      (held) => believed(() => this.appendAlone(entries, held)),
      patience,
    )
  }

  private async appendAlone(entries: readonly Entry[], held: AbortSignal): Promise<Map<Entry, string>> {
    const head = await this.log.head()
    const others = new Map<Entry, string>()
    const added = new Map<string, string>()
    for (const entry of entries) {
      const there = added.get(entry.key) ?? (await this.find(head, entry.key))?.text
      if (there === undefined) added.set(entry.key, entry.text)
      else if (there !== entry.text) others.set(entry, there)
    }
    if (added.size === 0) return others
    held.throwIfAborted()
    // The head is written last: until then none of these numbers counts.
    await Promise.all(
      [...added.keys()].map((key, at) =>
        this.documents.put(`${this.prefix}/lookup/${key}`, Buffer.from(String(head.size + at))),
      ),
    )
    await this.log.append(head, [...added.values()], held)
    return others
  }
}

async function believed<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof SumdbError)) throw error
    throw new TurnpikeError('ERR_SUMDB_INVALID', { message: `${error.message}.`, cause: error })
  }
}
