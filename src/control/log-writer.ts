import fs from 'node:fs'
import { TurnpikeError } from '../core/error.ts'
import type { Ledger } from '../engine/ledger.ts'
import type { TimerHandle, World } from '../engine/world.ts'
import type { LineRing } from './line-ring.ts'
import { closeLogTarget, openLogFile, reason, type LogTarget } from './log-target.ts'

const NEWLINE = 10
/** Written at once when so much waits: four times less to do for the thread pool than with 64 KiB. */
const FLUSH_BYTES = 196_608
const CHUNK_BYTES = 262_144
const FLUSH_MS = 200
const RETRY_MS = 10
const RETRY_LIMIT_MS = 200
const CLOSE_MS = 2_000

export interface LogWriterOptions {
  ring: LineRing
  target: LogTarget
  world: World
  ledger: Ledger
  /** Told once when writing begins to fail, and once when the file could not be reopened. */
  report: (message: string) => void
  /** How long a line may wait for others. Default: 200 ms. */
  flushMs?: number
}

/**
 * Takes lines from a ring to a file descriptor: one write at a time, when 192 KiB wait or 200 ms have
 * passed. A chunk is copied first, so that the ring may go on over it while the write hangs.
 */
export class LogWriter {
  /** Lines that were taken from the ring and could not be written. */
  lost = 0
  private readonly ring: LineRing
  private readonly world: World
  private readonly ledger: Ledger
  private readonly report: (message: string) => void
  private readonly flushMs: number
  private target: LogTarget
  /** Used from the next chunk on; null for the same as now. */
  private next: LogTarget | null = null
  /** One byte more than a chunk: see `torn`. */
  private readonly chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES + 1)
  private chunkAt = 0
  private chunkEnd = 0
  private writing = false
  private retryMs = RETRY_MS
  private timer: TimerHandle | null = null
  /** The last write stopped inside a line: the next chunk begins with a newline. */
  private torn = false
  private failing = false
  private closing: Promise<void> | null = null
  /** Where closing: to be called when nothing waits any more. */
  private closed: (() => void) | null = null

  constructor(options: LogWriterOptions) {
    this.ring = options.ring
    this.target = options.target
    this.world = options.world
    this.ledger = options.ledger
    this.report = options.report
    this.flushMs = options.flushMs ?? FLUSH_MS
    if (this.target.owned) this.ledger.enter('logFiles')
  }

  /** To be called after each line that went into the ring. */
  added(): void {
    if (this.writing || this.closed !== null) return
    if (this.ring.waiting >= FLUSH_BYTES) this.pump()
    else this.timer ??= this.world.setTimer(this.pump, this.flushMs)
  }

  /** Opens the file again at its path, as after rotation. What was taken before stays in the old file. */
  async reopen(): Promise<void> {
    if (this.target.path === null || this.closed !== null) return
    try {
      this.redirect({ ...this.target, fd: await openLogFile(this.target.path) })
    } catch (error) {
      this.report(TurnpikeError.from(error, 'start').message)
    }
  }

  /** Writes to another target from the next chunk on. What waits now goes to the one before, unless that is slow. */
  redirect(target: LogTarget): void {
    if (target.owned) this.ledger.enter('logFiles')
    this.closeNext()
    if (this.closed === null && !this.writing) this.pump()
    this.next = target
    if (this.closed !== null) this.closeNext()
    else if (!this.writing) this.pump()
  }

  /** Resolves when everything is written, or after two seconds with a sink that stalls. May be called again. */
  close(): Promise<void> {
    this.closing ??= this.end()
    return this.closing
  }

  private async end(): Promise<void> {
    const done = Promise.withResolvers<void>()
    const giveUp = this.world.setTimer(done.resolve, CLOSE_MS)
    this.closed = done.resolve
    if (!this.writing) this.pump()
    await done.promise
    giveUp.cancel()
    // A write that hangs in the pool still uses the descriptor, which then ends with the process.
    const hangs = this.writing && this.timer === null
    this.timer?.cancel()
    this.timer = null
    this.closeNext()
    if (!hangs) this.closeTarget(this.target)
  }

  private readonly pump = (): void => {
    this.timer?.cancel()
    this.timer = null
    this.swap()
    const start = this.torn ? 1 : 0
    const taken = this.ring.take(this.chunk.subarray(0, CHUNK_BYTES + start), start)
    if (taken === 0) {
      this.closed?.()
      return
    }
    this.chunk[0] = this.torn ? NEWLINE : this.chunk[0]!
    this.torn = false
    this.chunkAt = 0
    this.chunkEnd = start + taken
    this.writing = true
    this.write()
  }

  private readonly write = (): void => {
    this.timer = null
    fs.write(this.target.fd, this.chunk, this.chunkAt, this.chunkEnd - this.chunkAt, null, this.written)
  }

  private readonly written = (error: NodeJS.ErrnoException | null, bytes: number): void => {
    if (error?.code === 'EAGAIN') {
      this.timer = this.world.setTimer(this.write, this.retryMs)
      this.retryMs = Math.min(this.retryMs * 2, RETRY_LIMIT_MS)
      return
    }
    this.retryMs = RETRY_MS
    if (error !== null) {
      this.failed(error)
    } else {
      this.chunkAt += bytes
      if (this.chunkAt < this.chunkEnd) {
        this.write()
        return
      }
      this.failing = false
    }
    this.writing = false
    if (this.closed !== null || this.next !== null || this.ring.waiting >= FLUSH_BYTES) this.pump()
    else if (this.ring.waiting > 0) this.timer = this.world.setTimer(this.pump, this.flushMs)
  }

  /** The rest of the chunk is given up: better no line than a log that holds up, or grows, the process. */
  private failed(error: NodeJS.ErrnoException): void {
    for (let at = this.chunkAt; at < this.chunkEnd; at = this.chunk.indexOf(NEWLINE, at) + 1) this.lost++
    this.torn = this.chunkAt > 0 && this.chunk[this.chunkAt - 1] !== NEWLINE
    if (this.failing) return
    this.failing = true
    this.report(`The log ${this.target.path ?? `on descriptor ${this.target.fd}`} cannot be written: ${reason(error)}.`)
  }

  private swap(): void {
    if (this.next === null) return
    this.closeTarget(this.target)
    this.target = this.next
    this.next = null
    this.torn = false
  }

  private closeNext(): void {
    if (this.next !== null) this.closeTarget(this.next)
    this.next = null
  }

  private closeTarget(target: LogTarget): void {
    if (!target.owned) return
    this.ledger.strike('logFiles')
    closeLogTarget(target)
  }
}
