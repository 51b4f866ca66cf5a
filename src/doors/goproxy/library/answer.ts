import type { Ask } from '../origin/module-origin.ts'
import type { ZipFile } from '../store/module-store.ts'
import type { StagedFile } from '../store/staged-file.ts'

/** What goes with one question to the library. */
export interface LibraryAsk extends Ask {
  /** False: only what is kept (G20). */
  fetch: boolean
}

/** Where an answer is from: kept, asked for just now, kept for longer than it is fresh. */
export type CacheState = 'hit' | 'miss' | 'stale'

/** A list, an `.info` or a `.mod`. */
export interface Answer {
  bytes: Buffer
  cache: CacheState
  /** When it became what it is, ms since 1970. */
  modifiedMs: number
  /** Until when it may be repeated without asking, on the clock of `World.now`; Infinity for what never changes. */
  freshUntilMs: number
}

/** A zip. Whoever gets one closes it, however its reply ends. */
export type ZipAnswer = {
  cache: CacheState
  modifiedMs: number
  /** Null while it is not known: what is staged is checked when all of it is there. */
  h1: string | null
  /** Of the file's bytes, lower case hex: what an ETag is made of, since two zips may share their `h1`. Null while it is not known. */
  sha256: string | null
  /** Resolves when all of it is here and checked, and kept where the store takes it; rejects where it never will be. */
  whole: Promise<unknown>
  /** Nobody reads it any more. A download that nobody reads is given up, unless most of it is there. */
  close(): Promise<void>
} & ({ kind: 'stored'; file: ZipFile } | { kind: 'staged'; file: StagedFile })
