import type { Exchange } from '../../../engine/exchange.ts'
import type { Onlooker } from '../../../engine/relay/relay.ts'
import { ClientHelloReader } from '../../../wire/client-hello.ts'

/** Notes the ClientHello that passes, for the log: nothing waits for it, and no byte of it is changed (T3). */
export class PassiveHello implements Onlooker {
  private readonly exchange: Exchange
  private readonly reader = new ClientHelloReader()

  constructor(exchange: Exchange) {
    this.exchange = exchange
  }

  saw(chunk: Buffer): boolean {
    const result = this.reader.read(chunk)
    if (result === 'more') return true
    if (result !== 'other') this.exchange.hello = result
    return false
  }
}
