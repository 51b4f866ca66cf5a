import { HeadMemo } from '../wire/http1/head-memo.ts'
import { Dialler } from './dial/dial.ts'
import { Ledger } from './ledger.ts'
import { MiddlewareEvents } from './middleware/middleware-events.ts'
import { ReadBuffers } from './http1/read-buffers.ts'
import { RelayBuffers } from './relay/relay-buffers.ts'
import { RequestIds, requestIdPrefix } from './request-id.ts'
import { DateClock, type EngineServices, type ExchangeObserver, type Notify } from './services.ts'
import { TimerWheel } from './timers.ts'
import type { World } from './world.ts'

export interface EngineOptions {
  world: World
  observer: ExchangeObserver
  /** Default: nobody is told. */
  notify?: Notify
  /** This instance's name in `Via` and `Proxy-Status`. */
  pseudonym: string
  /** The `Via` line of replies, '' for none. Default: with that name. */
  viaLine?: string
  /** What requests of our own call themselves. Default: turnpike. */
  userAgent?: string
}

/** What the connections of one data plane share. Holds no socket until something listens or dials. */
export function createEngine({
  world,
  observer,
  notify = () => {},
  pseudonym,
  viaLine = `Via: 1.1 ${pseudonym}\r\n`,
  userAgent = 'turnpike',
}: EngineOptions): EngineServices {
  const ledger = new Ledger()
  const timers = new TimerWheel(world, ledger)
  let sequence = 0
  return {
    world,
    ledger,
    timers,
    observer,
    notify,
    middlewareEvents: new MiddlewareEvents(),
    pseudonym,
    viaLine,
    userAgent,
    dialler: new Dialler(world, timers, ledger),
    requestIds: new RequestIds(requestIdPrefix(() => world.random())),
    clock: new DateClock(world),
    readBuffers: new ReadBuffers(),
    relayBuffers: new RelayBuffers(),
    replyMemo: new HeadMemo(),
    nextSequence: () => sequence++,
  }
}
