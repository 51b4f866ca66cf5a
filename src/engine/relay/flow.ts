import type { EngineServices } from '../services.ts'
import { Deadline } from '../timers.ts'
import type { Socket } from '../world.ts'

const EMPTY = Buffer.alloc(0)

/** One direction of a relay: why it is not read at the moment. */
export class Flow {
  private readonly source: Socket
  private readonly sink: Socket
  private readonly services: EngineServices
  private readonly resumed: () => void
  private waiting = false
  /** Until when it rests; made when it first does. */
  private deadline: Deadline | null = null
  private resting = false
  private closed = false

  /** `resumed` is called just before the source is read again. */
  constructor(source: Socket, sink: Socket, services: EngineServices, resumed: () => void) {
    this.source = source
    this.sink = sink
    this.services = services
    this.resumed = resumed
  }

  /** Who reads the source stops at this. */
  get stopped(): boolean {
    return this.waiting || this.resting
  }

  /** Until all that was written has left. */
  waitForSink(): void {
    if (this.waiting) return
    this.waiting = true
    this.sink.write(EMPTY, this.left)
  }

  /** For so long. */
  rest(pauseMs: number): void {
    const { services } = this
    this.resting = true
    this.deadline ??= new Deadline(this.rested)
    services.timers.set(this.deadline, 'bandwidth', services.world.now(), pauseMs)
  }

  close(): void {
    this.closed = true
    if (this.deadline !== null) this.services.timers.remove(this.deadline)
  }

  private readonly left = (): void => {
    this.waiting = false
    this.goOn()
  }

  private readonly rested = (): void => {
    this.resting = false
    this.goOn()
  }

  private goOn(): void {
    if (this.closed || this.stopped) return
    this.resumed()
    this.source.resume()
  }
}
