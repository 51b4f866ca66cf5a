import { TurnpikeError } from '../../core/error.ts'
import type { AttemptWatcher } from '../attempt-watcher.ts'
import type { ExchangeWorker } from '../client-port.ts'
import type { Exchange } from '../exchange.ts'
import type { EngineServices } from '../services.ts'
import { Deadline } from '../timers.ts'

/** Where an exchange waits. */
export interface WaitingPlace {
  /** Its client went away, or it waited too long. */
  leftBy(waiting: WaitingExchange): void
}

/** An exchange that waits for a connection to open, or for a stream to end. */
export class WaitingExchange implements ExchangeWorker {
  readonly exchange: Exchange
  readonly watcher: AttemptWatcher
  private readonly services: EngineServices
  private readonly place: WaitingPlace
  private readonly deadline = new Deadline(() => this.expired())

  constructor(services: EngineServices, exchange: Exchange, watcher: AttemptWatcher, place: WaitingPlace) {
    this.services = services
    this.exchange = exchange
    this.watcher = watcher
    this.place = place
    exchange.client.worker = this
    services.ledger.enter('poolWaiters')
  }

  expireAfter(delayMs: number): void {
    const { services } = this
    services.timers.set(this.deadline, 'connect', services.world.now(), delayMs)
  }

  /** Waits no more. */
  leave(): void {
    this.exchange.client.worker = null
    this.services.timers.remove(this.deadline)
    this.services.ledger.strike('poolWaiters')
  }

  clientReady(): void {}

  clientGone(): void {
    this.leave()
    this.place.leftBy(this)
    this.watcher.attemptEnded(this.exchange, null)
  }

  private expired(): void {
    this.leave()
    this.place.leftBy(this)
    this.watcher.attemptFailed(this.exchange, new TurnpikeError('ERR_POOL_EXHAUSTED'), false)
    this.watcher.attemptEnded(this.exchange, null)
  }
}
