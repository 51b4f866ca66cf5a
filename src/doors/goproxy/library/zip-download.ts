import { TurnpikeError } from '../../../core/error.ts'
import type { Scope } from '../../../engine/scope.ts'
import type { Ask } from '../origin/module-origin.ts'
import type { StagedFile } from '../store/staged-file.ts'
import type { LibraryAsk, ZipAnswer } from './answer.ts'
import { Flight } from './flight.ts'
import type { StoreTrouble } from './store-trouble.ts'
import { untilAborted } from './until-aborted.ts'

/** Of the largest zip at less than 300 kB/s. */
const TOTAL_MS = 1_800_000

export interface ZipDownloadParts {
  scope: Scope
  trouble: StoreTrouble
  /** Fetches the zip; tells of the file as soon as there is one, or never, where the store has the zip by now. */
  fetch: (ask: Ask, staged: (file: StagedFile) => void) => Promise<void>
  /** It succeeded, failed or was given up: who wants the zip from now on does not join. */
  over: () => void
}

/**
 * One download of one zip, which every client that wants it reads as it comes. Given up when nobody reads it any more,
 * unless half of what was announced is there: the next one who asks would pay for it anew.
 */
export class ZipDownload {
  private readonly parts: ZipDownloadParts
  private readonly flight: Flight<void>
  /** The file, once clients can read from it. */
  private readonly readable = Promise.withResolvers<StagedFile | null>()
  private file: StagedFile | null = null
  private readers = 0
  private landed = false

  constructor(parts: ZipDownloadParts) {
    this.parts = parts
    this.readable.promise.catch(() => {})
    this.flight = new Flight(parts.scope, TOTAL_MS, (ask) => parts.fetch(ask, (file) => this.staged(file)))
    this.flight.landed.then(
      () => this.land(() => this.readable.resolve(this.file)),
      (error: unknown) => this.land(() => this.readable.reject(error)),
    )
  }

  /** For one more client. Null: the store has it now, nothing was downloaded here. */
  async open(ask: LibraryAsk, modifiedMs: number): Promise<ZipAnswer | null> {
    const tell = this.flight.tellTo(ask.trail)
    let left = false
    const close = async (): Promise<void> => {
      if (left) return
      left = true
      tell()
      await this.left()
    }
    this.readers++
    try {
      const file = await untilAborted(this.readable.promise, ask.signal)
      tell()
      const whole = this.flight.landed
      if (file !== null)
        return { kind: 'staged', file, cache: 'miss', modifiedMs, h1: null, sha256: null, whole, close }
    } catch (error) {
      await close()
      throw error
    }
    await close()
    return null
  }

  private staged(file: StagedFile): void {
    file.retain()
    this.file = file
    // Nobody is told anything before there are bytes: an error is a better answer than half a zip.
    file.read(Buffer.alloc(1), 0).then(() => this.readable.resolve(file), this.readable.reject)
  }

  private land(settle: () => void): void {
    this.landed = true
    settle()
    this.parts.over()
    if (this.readers === 0) void this.letGo()
  }

  private async left(): Promise<void> {
    if (--this.readers > 0) return
    if (this.landed) return this.letGo()
    const { file } = this
    if (file !== null && file.expected > 0 && file.size * 2 >= file.expected) return
    this.parts.over()
    this.flight.abandon(new TurnpikeError('ERR_CLIENT_ABORT'))
  }

  private async letGo(): Promise<void> {
    const { file } = this
    this.file = null
    if (file !== null) await this.parts.trouble.unlessFailing(() => file.discard())
  }
}
