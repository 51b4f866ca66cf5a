import { TurnpikeError } from '../core/error.ts'
import type { BodySink, BodySource } from './body.ts'
import { ReadBuffers } from './http1/read-buffers.ts'
import type { EngineServices } from './services.ts'
import { Deadline } from './timers.ts'

/**
 * What is read at a time. Each read is a trip to the thread pool, so few and large ones cost less: of 50 MiB, 512 KiB at
 * a time take half the CPU of 64 KiB.
 */
const PIECE_BYTES = 512 * 1024
/** Bodies that read so much at a time; the others read less, so that many clients cost little memory. */
const MOST_LARGE = 8
const SMALL_PIECE_BYTES = 64 * 1024
/** Small buffers that wait to be used again. */
const KEPT_SMALL = 64

/** What is sent from where it is kept, piece by piece. */
export interface OpenFile {
  /** Up to `into.length` bytes at `position`, waiting where there are none yet; 0 at the end. */
  read(into: Buffer, position: number): Promise<number>
  /** Called once, when nobody reads any more; a read may be under way. */
  close(): Promise<void>
}

/** Which bytes of a file: `length` -1 for all that come. */
export interface FileRange {
  start: number
  length: number
}

/** What all bodies from files share. */
export class FileBodies {
  readonly services: Pick<EngineServices, 'timers' | 'world'>
  private readonly large = new ReadBuffers(PIECE_BYTES, MOST_LARGE)
  private readonly small = new ReadBuffers(SMALL_PIECE_BYTES, KEPT_SMALL)
  private largeOnes = 0
  /** How long a client may read nothing. */
  readonly stallMs: number
  /** Told what closing a file threw. */
  readonly report: (error: unknown) => void

  constructor(services: Pick<EngineServices, 'timers' | 'world'>, stallMs: number, report: (error: unknown) => void) {
    this.services = services
    this.stallMs = stallMs
    this.report = report
  }

  /** Memory for one body, until `release`. */
  take(): Buffer {
    if (this.largeOnes >= MOST_LARGE) return this.small.take()
    this.largeOnes++
    return this.large.take()
  }

  /** `free`: nobody reads into it or sends from it any more; else it is the collector's. */
  release(buffer: Buffer, free: boolean): void {
    const isLarge = buffer.length === PIECE_BYTES
    if (isLarge) this.largeOnes--
    if (free) (isLarge ? this.large : this.small).give(buffer)
  }

  /** A body that closes the file when it is over, however it ends. */
  body(file: OpenFile, range: FileRange): BodySource {
    return new FileBody(file, range, this)
  }
}

/**
 * Bytes of a file, read through one buffer, as fast as the sink takes them. A file that fails or ends too early
 * aborts the body: it never looks complete.
 */
class FileBody implements BodySource {
  readonly length: number
  private readonly file: OpenFile
  private readonly shared: FileBodies
  private readonly deadline: Deadline
  /** Null before the start and after the end. */
  private sink: BodySink | null = null
  private buffer: Buffer | null = null
  private position: number
  /** Bytes to come, -1 where unknown. */
  private remaining: number
  private reading = false
  /** The sink has the buffer. */
  private lent = false
  private closed = false

  constructor(file: OpenFile, { start, length }: FileRange, shared: FileBodies) {
    this.file = file
    this.length = length
    this.position = start
    this.remaining = length
    this.shared = shared
    this.deadline = new Deadline(() => this.abort(new TurnpikeError('ERR_CLIENT_STALL')))
  }

  start(sink: BodySink): void {
    this.sink = sink
    this.buffer = this.shared.take()
    this.next()
  }

  resume(): void {
    this.deadline.at = Infinity
    this.lent = false
    this.next()
  }

  cancel(): void {
    this.sink = null
    this.close()
  }

  private next(): void {
    const { file, buffer, remaining, position } = this
    if (this.sink === null || buffer === null) return
    if (remaining === 0) return this.end()
    this.reading = true
    const into = remaining < 0 || remaining >= buffer.length ? buffer : buffer.subarray(0, remaining)
    file.read(into, position).then(this.took, this.failed)
  }

  private readonly took = (count: number): void => {
    this.reading = false
    const { sink, buffer } = this
    if (sink === null) return this.close()
    if (count === 0) {
      if (this.remaining < 0) this.end()
      else this.abort(new TurnpikeError('ERR_INTERNAL', { phase: 'body', message: 'The file is shorter than it was.' }))
      return
    }
    this.position += count
    if (this.remaining > 0) this.remaining -= count
    this.lent = true
    const free = sink.write(buffer!, 0, count)
    if (free) this.lent = false
    // The last bytes and the end leave together.
    if (free && this.remaining === 0) return this.end()
    sink.flush()
    if (free) this.next()
    else if (this.sink !== null) this.armStall()
  }

  private readonly failed = (thrown: unknown): void => {
    this.reading = false
    this.abort(TurnpikeError.from(thrown, 'body'))
  }

  private end(): void {
    const { sink } = this
    this.sink = null
    this.close()
    sink?.end(null)
    sink?.flush()
  }

  private abort(error: TurnpikeError): void {
    const { sink } = this
    this.sink = null
    this.close()
    sink?.abort(error)
  }

  private armStall(): void {
    const { services, stallMs } = this.shared
    services.timers.set(this.deadline, 'stall', services.world.now(), stallMs)
  }

  /** The buffer is another's only when nobody reads into it or sends from it any more, else the collector's. */
  private close(): void {
    const { shared, buffer } = this
    shared.services.timers.remove(this.deadline)
    if (!this.reading && buffer !== null) {
      this.buffer = null
      shared.release(buffer, !this.lent)
    }
    if (this.closed) return
    this.closed = true
    this.file.close().catch(shared.report)
  }
}
