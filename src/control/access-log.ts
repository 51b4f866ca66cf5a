import type { Exchange } from '../engine/exchange.ts'
import type { Ledger } from '../engine/ledger.ts'
import type { RequestIds } from '../engine/request-id.ts'
import type { World } from '../engine/world.ts'
import { AccessLines } from './access-line.ts'
import { LineRing } from './line-ring.ts'
import { closeLogTarget, openLogTarget } from './log-target.ts'
import { LogWriter } from './log-writer.ts'

/** A line of the access log as a value: the fields of docs/reference/access-log.md. */
export type AccessRecord = Record<string, unknown>

/** At 50 000 requests a second the sink may stall for a fifth of a second before a line is lost. */
const RING_BYTES = 4 << 20

export interface AccessLogOptions {
  /** `stdout`, `stderr`, the path of a file, or null to write nothing. */
  to: string | null
  /** Whether lines are remembered for `find` where none are written. Written lines always are. */
  remember: boolean
  ids: RequestIds
  world: World
  ledger: Ledger
  /** Told of failures to write, at most once until writing succeeds again. */
  report: (message: string) => void
  /** Bytes of the ring: what is remembered, and what may wait for a slow sink. Default: 4 MiB, some 9 000 lines. */
  ringBytes?: number
}

/** Exchanges that wait for their lines at most. */
const BATCH = 64

/** Lines go into the ring together up to this size: a call for each costs more than its bytes. */
const TOGETHER_BYTES = 2048

/** One line of JSON for each exchange, kept in a ring that is both the way to the sink and the memory of `turnpike why`. */
export class AccessLog {
  private readonly lines: AccessLines
  private readonly options: AccessLogOptions
  private ring: LineRing | null
  private writer: LogWriter | null
  private readonly world: World
  /** Ended in this turn of the event loop: their lines are made together, while the code for it is warm. */
  private ended: Exchange[] = []

  private constructor(options: AccessLogOptions, ring: LineRing | null, writer: LogWriter | null) {
    const { ids, world } = options
    this.options = options
    this.world = world
    this.lines = new AccessLines(ids)
    this.ring = ring
    this.writer = writer
  }

  /** Throws ERR_LOG_FILE where the sink cannot be opened. */
  static async open(options: AccessLogOptions): Promise<AccessLog> {
    const { to, ringBytes = RING_BYTES } = options
    if (to === null) return new AccessLog(options, options.remember ? new LineRing(ringBytes, false) : null, null)
    const target = await openLogTarget(to)
    const ring = new LineRing(ringBytes, true)
    return new AccessLog(options, ring, new LogWriter({ ...options, ring, target }))
  }

  /**
   * Opens another sink. `commit` puts it in place of the one before, `abandon` lets go of it: one of the two is
   * to be called. Where nothing was written, or nothing will be, what is remembered starts anew.
   * Throws ERR_LOG_FILE where the sink cannot be opened.
   */
  async prepare(to: string | null, remember: boolean): Promise<{ commit: () => void; abandon: () => void }> {
    const target = to === null ? null : await openLogTarget(to)
    const commit = (): void => {
      this.write()
      const { writer, options } = this
      const { ringBytes = RING_BYTES } = options
      if (target !== null && writer !== null) return writer.redirect(target)
      void writer?.close()
      this.ring = target !== null || remember ? new LineRing(ringBytes, target !== null) : null
      this.writer = target === null ? null : new LogWriter({ ...options, ring: this.ring!, target })
    }
    return { commit, abandon: () => target !== null && closeLogTarget(target) }
  }

  /** Records an exchange that has ended; to be called once for each, when `finishedAt` is set. */
  finish(exchange: Exchange): void {
    if (this.ring === null) return
    const waiting = this.ended.push(exchange)
    if (waiting === 1) this.world.soon(this.write)
    else if (waiting === BATCH) this.write()
  }

  /** The line of a request, parsed; null where the ring has gone over it, or never had it. */
  find(id: string): AccessRecord | null {
    if (this.ring === null || !/^[\w-]{1,64}$/.test(id)) return null
    this.write()
    const line = this.ring.find(`"id":"${id}"`)
    if (line === null) return null
    const record: AccessRecord = JSON.parse(line)
    return record
  }

  /** Lines that were not written: overwritten before the sink took them, or refused by it. */
  get dropped(): number {
    return (this.ring?.dropped ?? 0) + (this.writer?.lost ?? 0)
  }

  /** Opens a log file again at its path: for rotation. */
  async reopen(): Promise<void> {
    await this.writer?.reopen()
  }

  /** Writes what waits, then lets go of the file. */
  async close(): Promise<void> {
    this.write()
    await this.writer?.close()
  }

  private readonly write = (): void => {
    const { ended, lines, ring, writer } = this
    if (ended.length === 0 || ring === null) return
    let text = ''
    for (let at = 0; at < ended.length; at++) {
      text += lines.of(ended[at]!)
      if (text.length < TOGETHER_BYTES) continue
      ring.add(text)
      text = ''
    }
    if (text !== '') ring.add(text)
    this.ended = []
    if (writer !== null) writer.added()
  }
}
