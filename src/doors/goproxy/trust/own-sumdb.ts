import { TurnpikeError } from '../../../core/error.ts'
import type { Secret } from '../../../core/secret.ts'
import type { Scope } from '../../../engine/scope.ts'
import { formatRecord } from '../../../gomod/sumdb/sum-record.ts'
import type { Tile } from '../../../gomod/sumdb/tile.ts'
import type { DocumentStore } from '../store/document-store.ts'
import { checkHash, type HashOf } from './check-hash.ts'
import { signingKey } from './signing-key.ts'
import { textAnswer, tileAnswer, type ServedSumdb, type SumdbAnswer } from './sumdb-answer.ts'
import { lookupKey, readSumdbPath } from './sumdb-path.ts'
import { HashLog, type Entry } from './hash-log.ts'

/** Versions that one signed head adds at most. */
const MOST_AT_ONCE = 1000
/** How long a signed head may be repeated without asking. */
const HEAD_FRESH_MS = 10_000

/** The `h1:` of a version's contents and of its go.mod. */
export interface VersionHashes {
  zipH1: string
  modH1: string
}

/** What a database of one's own is built of. */
export interface OwnSumdbParts {
  name: string
  /** Its signing key, `PRIVATE+KEY+…`. Null: made at the first start, and kept in `documents`. */
  key: Secret | null
  scope: Scope
  documents: DocumentStore
  /** The hashes of a version that is kept with its zip, fetched first where that may be; null where there is none. */
  hashes: (module: string, version: string, signal: AbortSignal) => Promise<VersionHashes | null>
}

interface Waiting extends Entry, VersionHashes {
  module: string
  version: string
  logged: () => void
  refused: (error: unknown) => void
}

/**
 * A checksum database of the proxy's own: a signed log of all versions that are kept with their zips, in the order in
 * which they came. Several processes may append to it. Nothing of it ever changes, whatever goes from the store.
 */
export class OwnSumdb implements ServedSumdb {
  readonly name: string
  readonly namesPrivate = true
  private readonly parts: OwnSumdbParts
  private opened: Promise<HashLog> | null = null
  private waiting: Waiting[] = []
  private appending = false

  constructor(parts: OwnSumdbParts) {
    this.parts = parts
    this.name = parts.name
  }

  /** What clients need to believe it: `NAME+HASH+KEY`. Makes the key where there is none yet. */
  async verifierKey(): Promise<string> {
    return (await this.open()).verifierKey
  }

  /**
   * Appends a version, and resolves when that is safe. One that is there already is fine; rejects with
   * ERR_MODULE_CHECKSUM where it is there with other hashes.
   */
  add(module: string, version: string, zipH1: string, modH1: string): Promise<void> {
    const { scope } = this.parts
    if (scope.signal.aborted) return Promise.reject(new TurnpikeError('ERR_DRAINING'))
    const key = lookupKey(module, version)
    const text = `${module} ${version} ${zipH1}\n${module} ${version}/go.mod ${modH1}\n`
    const { promise, resolve: logged, reject: refused } = Promise.withResolvers<void>()
    this.waiting.push({ module, version, zipH1, modH1, key, text, logged, refused })
    if (!this.appending) {
      this.appending = true
      scope.task((signal) => this.appendWaiting(signal))
    }
    return promise
  }

  /** Rejects with ERR_MODULE_CHECKSUM where the version is there with another hash; fine where it is not there. */
  async checkSeen(module: string, version: string, of: HashOf, h1: string): Promise<void> {
    const log = await this.open()
    const record = await log.find(await log.head(), lookupKey(module, version))
    if (record !== null) checkHash(this.name, record.text, module, version, of, h1)
  }

  async serve(path: string, signal: AbortSignal): Promise<SumdbAnswer> {
    const asked = readSumdbPath(path)
    const log = await this.open()
    switch (asked.kind) {
      case 'key':
        return textAnswer(`${log.verifierKey}\n`, HEAD_FRESH_MS)
      case 'supported':
        await log.head()
        return textAnswer('', HEAD_FRESH_MS)
      case 'latest':
        return textAnswer((await log.head()).note, HEAD_FRESH_MS)
      case 'lookup':
        return textAnswer(await this.lookup(log, asked.module, asked.version, signal), HEAD_FRESH_MS)
      case 'tile':
    }
    return this.tile(log, asked.tile)
  }

  /** A version that is kept and not logged, since a process ended in between, is logged now. */
  private async lookup(log: HashLog, module: string, version: string, signal: AbortSignal): Promise<Buffer> {
    const found = await signedRecord(log, lookupKey(module, version))
    if (found !== null) return found
    const hashes = await this.parts.hashes(module, version, signal)
    if (hashes !== null) await this.add(module, version, hashes.zipH1, hashes.modH1)
    const added = hashes === null ? null : await signedRecord(log, lookupKey(module, version))
    if (added !== null) return added
    throw new TurnpikeError('ERR_MODULE_NOT_FOUND', { message: `${this.name} does not know ${module}@${version}.` })
  }

  private async tile(log: HashLog, tile: Tile): Promise<SumdbAnswer> {
    const bytes = await log.tile(tile)
    if (bytes !== null) return tileAnswer(tile, bytes)
    throw new TurnpikeError('ERR_MODULE_NOT_FOUND', { message: `The newest tree of ${this.name} has no such tile.` })
  }

  /** What comes while others are appended is appended with one more signed head. */
  private async appendWaiting(signal: AbortSignal): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting.slice(0, MOST_AT_ONCE)
      this.waiting = this.waiting.slice(MOST_AT_ONCE)
      try {
        const others = await (await this.open()).append(batch, signal)
        for (const one of batch) this.settle(one, others.get(one))
      } catch (error) {
        for (const one of batch) one.refused(error)
      }
    }
    this.appending = false
  }

  /** `there`: the text with which it was there before, where that is another. */
  private settle({ module, version, zipH1, modH1, logged, refused }: Waiting, there: string | undefined): void {
    try {
      if (there !== undefined) {
        checkHash(this.name, there, module, version, 'zip', zipH1)
        checkHash(this.name, there, module, version, 'mod', modH1)
      }
      logged()
    } catch (error) {
      refused(error)
    }
  }

  private open(): Promise<HashLog> {
    this.opened ??= this.openLog().catch((error: unknown) => {
      this.opened = null
      throw error
    })
    return this.opened
  }

  private async openLog(): Promise<HashLog> {
    const { documents, key, name } = this.parts
    return new HashLog(documents, await signingKey(name, key, documents))
  }
}

/** A record with the signed head behind it. */
async function signedRecord(log: HashLog, key: string): Promise<Buffer | null> {
  const head = await log.head()
  const record = await log.find(head, key)
  return record === null ? null : Buffer.concat([Buffer.from(formatRecord(record)), head.note])
}
