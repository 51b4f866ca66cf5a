import { TurnpikeError } from '../../core/error.ts'
import type { ExchangeWorker } from '../../engine/client-port.ts'
import type { Exchange } from '../../engine/exchange.ts'
import type { EngineServices } from '../../engine/services.ts'
import { Deadline } from '../../engine/timers.ts'
import { isAddress } from './rules/rule.ts'

type Done = (addresses: readonly string[]) => void

/**
 * Calls `done` with every address of a host, at once where they are known; with none where this machine knows none,
 * since a parent may. What `done` throws fails the exchange, and so does a name server that does not answer in time.
 */
export function findAddresses(
  exchange: Exchange,
  host: string,
  services: EngineServices,
  timeoutMs: number,
  done: Done,
): void {
  if (isAddress(host)) done([host])
  else new AddressSearch(exchange, services, done).start(host, timeoutMs)
}

/** An exchange whose host is being resolved. */
class AddressSearch implements ExchangeWorker {
  private readonly exchange: Exchange
  private readonly services: EngineServices
  private readonly done: Done
  private readonly deadline: Deadline
  private over = false

  constructor(exchange: Exchange, services: EngineServices, done: Done) {
    this.exchange = exchange
    this.services = services
    this.done = done
    this.deadline = new Deadline(() => {
      this.end()
      exchange.fail(new TurnpikeError('ERR_DNS_TIMEOUT'))
    })
  }

  start(host: string, timeoutMs: number): void {
    const { world, timers } = this.services
    world.resolve(host, (error, found) => this.found(error === null ? found.map(({ address }) => address) : []))
    if (this.over) return
    this.exchange.client.worker = this
    timers.set(this.deadline, 'connect', world.now(), timeoutMs)
  }

  clientReady(): void {}

  clientGone(): void {
    this.end()
  }

  private found(addresses: readonly string[]): void {
    if (this.over) return
    this.end()
    try {
      this.done(addresses)
    } catch (thrown) {
      this.exchange.fail(TurnpikeError.from(thrown, 'route'))
    }
  }

  private end(): void {
    const { client } = this.exchange
    this.over = true
    this.services.timers.remove(this.deadline)
    if (client.worker === this) client.worker = null
  }
}
