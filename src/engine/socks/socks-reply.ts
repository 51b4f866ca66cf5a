import { TurnpikeError } from '../../core/error.ts'
import type { Headers } from '../../core/headers.ts'
import { socks4Codes, socks4Reply } from '../../wire/socks/socks4.ts'
import { socks5Codes, socks5Reply } from '../../wire/socks/socks5.ts'
import type { BoundAddress, ClientPort, ExchangeWorker, ReplyHead, TakenConnection } from '../client-port.ts'
import type { Exchange, Reply } from '../exchange.ts'
import { socksCode } from './socks-code.ts'

/** The connection that a reply goes out on. */
export interface SocksReplyOwner {
  /** Sends the refusal, and ends the exchange and the connection. */
  refused(reply: Buffer): void
  /** Sends the grant, and lets go of the socket. */
  granted(reply: Buffer): TakenConnection
}

/** The client's end of a SOCKS request. SOCKS has no HTTP: whatever replies to it has refused it. */
export class SocksReply implements ClientPort {
  worker: ExchangeWorker | null = null
  exchange!: Exchange
  private readonly version: 4 | 5
  private readonly owner: SocksReplyOwner
  private over = false

  constructor(version: 4 | 5, owner: SocksReplyOwner) {
    this.version = version
    this.owner = owner
  }

  interim(): void {}

  begin({ status }: ReplyHead): void {
    const { worker } = this
    this.refuse(status, codeOf(status))
    worker?.clientGone(new TurnpikeError('ERR_CLIENT_ABORT', { message: noBody }))
  }

  write(): boolean {
    return true
  }

  end(): void {}

  flush(): void {}

  abort(error: TurnpikeError): void {
    this.fail(error)
  }

  reply({ status, body }: Reply): void {
    if (body.kind === 'source') body.source.cancel(new TurnpikeError('ERR_CLIENT_ABORT', { message: noBody }))
    this.refuse(status, codeOf(status))
  }

  fail(error: TurnpikeError): void {
    if (this.over) return
    this.exchange.error ??= error
    this.refuse(error.status, socksCode(error))
  }

  takeOver(status: number, _reason: string, _headers: Headers, bound: BoundAddress | null = null): TakenConnection {
    this.over = true
    this.exchange.status = status
    return this.owner.granted(
      this.version === 5 ? socks5Reply(socks5Codes.granted, bound) : socks4Reply(socks4Codes.granted, bound),
    )
  }

  /** The exchange is over: whoever still holds it can do nothing to the connection any more. */
  close(): void {
    this.over = true
    this.worker = null
  }

  /** As what it was refused: the status that HTTP has for it. */
  private refuse(status: number, code: number): void {
    if (this.over) return
    this.over = true
    this.exchange.status = status
    this.owner.refused(this.version === 5 ? socks5Reply(code, null) : socks4Reply(socks4Codes.failed, null))
  }
}

const noBody = 'SOCKS has no replies with a body.'

function codeOf(status: number): number {
  return status >= 500 ? socks5Codes.failed : socks5Codes.notAllowed
}
