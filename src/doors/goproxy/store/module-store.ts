import type { DocumentStore } from './document-store.ts'
import type { StagedFile, Staging } from './staged-file.ts'

/** One version of a module as it is kept: committed as one, never changed but by adding the zip. */
export interface StoredVersion {
  module: string
  version: string
  /** The `.info`, as it came. */
  info: Buffer
  mod: Buffer
  /** Null until somebody wanted it. */
  zip: StoredZip | null
  /** `h1:…` of the go.mod. */
  modH1: string
  /** When it was first seen here, ms since 1970: what a cooldown counts from. */
  firstSeenMs: number
  /** The origin's name, or `published`. */
  origin: string
  /** Never removed for lack of room. */
  pinned: boolean
}

export interface StoredZip {
  size: number
  /** Of the file's bytes, lower case hex: shows damage. */
  sha256: string
  /** `h1:…` of its contents. */
  h1: string
}

/** An open zip of the store. */
export interface ZipFile {
  readonly size: number
  /** Up to `into.length` bytes at `position`; 0 at the end. */
  read(into: Buffer, position: number): Promise<number>
  close(): Promise<void>
}

/**
 * Where versions are kept. A version is there with all that was committed of it, or it is not there; several
 * processes may use one place. Rejects with ERR_MODULE_STORE where the place fails, ERR_MODULE_CONFLICT where
 * other bytes are there already; damage that a read finds is ERR_MODULE_STORE too, and never served.
 */
export interface ModuleStore extends Staging {
  readonly documents: DocumentStore
  get(module: string, version: string): Promise<StoredVersion | null>
  /**
   * Commits a version, or adds the zip to one. The store takes the staged file over where it keeps it; who made that
   * still calls its `discard`. Where the same contents are there already nothing changes, whatever the bytes of `.info`
   * and zip are. What brings the zip may pin it, too. Resolves when it is safe on disk.
   */
  put(version: StoredVersion, zip: StagedFile | null): Promise<void>
  /** Rejects with ERR_MODULE_STORE where it went since `get`: ask again. */
  openZip(version: StoredVersion): Promise<ZipFile>
  /** Notes that it was used now: what retention goes by. Cheap; written down later. */
  touch(module: string, version: string): void
  /** Keeps it from being removed for lack of room, or lets go of it. */
  pin(module: string, version: string, pinned: boolean): Promise<void>
  remove(module: string, version: string): Promise<void>
  /** Versions of one module that are there, in no order. */
  versions(module: string): Promise<string[]>
  /** Every module that has a version. */
  modules(): AsyncIterable<string>
  /** Bytes and versions kept, and when a version was last used. */
  usage(): Promise<{ bytes: number; versions: number }>
  lastUsed(module: string, version: string): Promise<number>
  close(): Promise<void>
}
