import { TurnpikeError } from '../../../core/error.ts'
import { SumdbError } from '../../../gomod/sumdb/sumdb-error.ts'
import { saysGone } from '../library/says.ts'

/** Nothing of a checksum database is larger: 256 records with their go.sum lines are some 100 KiB. */
const MOST_BYTES = 4 * 1024 * 1024

/** What the database says to `/lookup/…`, `/tile/…` and `/latest`. Rejects with a TurnpikeError; 404 and 410 alone mean that it is not there. */
export type AskSumdb = (path: string, signal: AbortSignal) => Promise<Buffer>

/** Asks a checksum database, and says what it means that it did not answer. */
export class SumdbRemote {
  private readonly name: string
  private readonly asked: AskSumdb
  private readonly offline: boolean
  private readonly signal: AbortSignal

  /** `signal` ends everything that is under way. */
  constructor(name: string, asked: AskSumdb, offline: boolean, signal: AbortSignal) {
    this.name = name
    this.asked = asked
    this.offline = offline
    this.signal = signal
  }

  /** Rejects with ERR_SUMDB_UNAVAILABLE, or 404 for a version that it does not know. */
  async ask(path: string): Promise<Buffer> {
    if (this.offline) throw this.unavailable('this module proxy is offline')
    let bytes: Buffer
    try {
      bytes = await this.asked(path, this.signal)
    } catch (error) {
      if (this.signal.aborted) throw error
      const { message } = TurnpikeError.from(error, 'body')
      // G9: only of a version it may say that it does not exist.
      if (!saysGone(error) || !path.startsWith('/lookup/')) throw this.unavailable(message, error)
      throw new TurnpikeError('ERR_MODULE_NOT_FOUND', {
        message: `${this.name} does not know ${path.slice('/lookup/'.length)}: ${message}`,
      })
    }
    if (bytes.length > MOST_BYTES) throw new SumdbError(`It answered ${path} with ${bytes.length} bytes`)
    return bytes
  }

  private unavailable(why: string, cause?: unknown): TurnpikeError {
    return new TurnpikeError('ERR_SUMDB_UNAVAILABLE', { message: `${this.name} could not be asked: ${why}`, cause })
  }
}
