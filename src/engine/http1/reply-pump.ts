import type { TurnpikeError } from '../../core/error.ts'
import type { BodySource } from '../body.ts'
import type { ClientPort, ExchangeWorker } from '../client-port.ts'

/** Works on an exchange whose reply comes from a source of ours: joins the two. */
export class ReplyPump implements ExchangeWorker {
  private readonly source: BodySource
  private readonly client: ClientPort

  constructor(source: BodySource, client: ClientPort) {
    this.source = source
    this.client = client
  }

  start(): void {
    this.source.start(this.client)
  }

  clientReady(): void {
    this.source.resume()
  }

  clientGone(error: TurnpikeError): void {
    this.source.cancel(error)
  }
}
