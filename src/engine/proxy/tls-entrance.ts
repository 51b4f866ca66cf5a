import { TurnpikeError, type ErrorOptions } from '../../core/error.ts'
import type { ErrorCode } from '../../core/error-codes.ts'
import { ClientHelloReader, type ClientHello } from '../../wire/client-hello.ts'
import type { Door, EngineServices } from '../services.ts'
import type { Session } from '../session.ts'
import { Deadline } from '../timers.ts'
import type { Socket } from '../world.ts'
import type { OpenConnection } from '../listen/open-connection.ts'
import { RawClient, type RawClientEvents } from './raw-client.ts'

export interface TlsEntranceOptions {
  /** Port of the destination. */
  targetPort: number
  /** For the whole ClientHello (T1). */
  headMs: number
  /** Called once, when the connection is over, its tunnel included. */
  closed(connection: TlsEntrance): void
}

/**
 * A connection of raw TLS that says where it wants to go by its ClientHello alone (`mode: sni`). The hello is read, up
 * to 16 KiB, and handed on untouched: its Finished message covers every byte of it (T3).
 */
export class TlsEntrance implements OpenConnection, RawClientEvents {
  private readonly session: Session
  private readonly door: Door
  private readonly services: EngineServices
  private readonly options: TlsEntranceOptions
  private readonly client: RawClient
  /** Null once it has read the hello: its copy is not kept for as long as the tunnel lasts. */
  private reader: ClientHelloReader | null = new ClientHelloReader()
  private readonly deadline = new Deadline(() => this.late())

  /** The socket is paused, and nothing of it was read. */
  constructor(socket: Socket, session: Session, door: Door, services: EngineServices, options: TlsEntranceOptions) {
    this.session = session
    this.door = door
    this.services = services
    this.options = options
    services.timers.set(this.deadline, 'head', services.world.now(), options.headMs)
    this.client = new RawClient(socket, services, this)
  }

  drain(): void {
    if (!this.client.asks) this.client.destroy()
  }

  destroy(): void {
    this.client.destroy()
  }

  read(chunk: Buffer): void {
    const hello = this.reader!.read(chunk)
    if (hello === 'more') return
    this.reader = null
    if (hello === 'other') this.refuse('ERR_SNI_MISSING', { message: 'What came is no ClientHello.' })
    else if (hello.sni === '') this.refuse('ERR_SNI_MISSING', {}, hello)
    else this.enter(hello)
  }

  /** Of a hello that is not whole nothing can come any more. */
  ended(): void {
    this.client.destroy()
  }

  over(): void {
    this.services.timers.remove(this.deadline)
    this.options.closed(this)
  }

  private enter(hello: ClientHello): void {
    const exchange = this.ask(hello)
    try {
      this.door.handle(exchange)
    } catch (thrown) {
      exchange.fail(TurnpikeError.from(thrown, 'route'))
    }
  }

  private refuse(code: ErrorCode, options: ErrorOptions, hello: ClientHello | null = null): void {
    this.ask(hello).fail(new TurnpikeError(code, options))
  }

  private ask(hello: ClientHello | null) {
    this.services.timers.remove(this.deadline)
    const { session, options, client } = this
    const host = hello?.sni ?? ''
    return client.ask(session, { kind: 'sni', host, port: options.targetPort, address: null, hello }, hello, 'TLS')
  }

  private late(): void {
    // Who has said nothing need not be told.
    if (this.client.receivedBytes === 0) this.client.destroy()
    else this.refuse('ERR_HEAD_TIMEOUT', { message: 'The ClientHello did not arrive in time (timer: head).' })
  }
}
