import { httpDate } from '../wire/http1/encode.ts'
import type { HeadMemo } from '../wire/http1/head-memo.ts'
import type { ResponseBlock } from '../wire/http1/response-head.ts'
import type { Dialler } from './dial/dial.ts'
import type { ReplyFacts } from './client-port.ts'
import type { Exchange } from './exchange.ts'
import type { Ledger } from './ledger.ts'
import type { MiddlewareEvents } from './middleware/middleware-events.ts'
import type { ReadBuffers } from './http1/read-buffers.ts'
import type { RelayBuffers } from './relay/relay-buffers.ts'
import type { RequestIds } from './request-id.ts'
import type { TimerWheel } from './timers.ts'
import type { World } from './world.ts'

/** Hears of every exchange, once at each of its stations. */
export interface ExchangeObserver {
  /** Its route is known. Not called for those that find none. */
  routed(exchange: Exchange): void
  finished(exchange: Exchange): void
}

/** Decides what an exchange is for. */
export interface Door {
  handle(exchange: Exchange): void
}

/** Takes what people should know of that no request tells: for the operational log. */
export type Notify = (level: 'info' | 'warn', message: string, fields: Readonly<Record<string, unknown>>) => void

/** What all connections of one engine share. */
export interface EngineServices {
  world: World
  ledger: Ledger
  timers: TimerWheel
  dialler: Dialler
  requestIds: RequestIds
  observer: ExchangeObserver
  notify: Notify
  /** What middleware counts. */
  middlewareEvents: MiddlewareEvents
  clock: DateClock
  readBuffers: ReadBuffers
  relayBuffers: RelayBuffers
  /** This instance's name: in `Proxy-Status` always, in `Via` unless that is off. */
  pseudonym: string
  /** The `Via` line of a reply, '' where it is off (H14). */
  viaLine: string
  /** What requests of our own call themselves. */
  userAgent: string
  /** Reply heads that came before. */
  replyMemo: HeadMemo<ResponseBlock<ReplyFacts>>
  /** Numbers the exchanges. */
  nextSequence(): number
}

/** The `Date` field's value, made once a second. */
export class DateClock {
  private readonly world: World
  private second = -1
  private text = ''

  constructor(world: World) {
    this.world = world
  }

  /** Now, as in RFC 9110 §5.6.7. */
  get date(): string {
    const second = Math.floor(this.world.wallClock() / 1000)
    if (second !== this.second) {
      this.second = second
      this.text = httpDate(second * 1000)
    }
    return this.text
  }
}
