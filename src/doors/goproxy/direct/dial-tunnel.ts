import type { DialHandle } from '../../../engine/dial/dial.ts'
import type { Dialled } from '../../../engine/dial/dialled.ts'
import { Deadline } from '../../../engine/timers.ts'
import type { EngineServices } from '../../../engine/services.ts'
import type { Socket } from '../../../engine/world.ts'
import {
  readSocks5Greeting,
  readSocks5Login,
  readSocks5Request,
  SOCKS5,
  socks5Codes,
  socks5Commands,
  socks5Methods,
  socks5Reply,
} from '../../../wire/socks/socks5.ts'
import type { DialPass } from './dial-pass.ts'

/** Who gives passes, and is told of the end. */
export interface TunnelOwner {
  passFor(user: string, password: string): DialPass | null
  closed(): void
}

/** The handshake with a program of this machine. */
const HANDSHAKE_MS = 10_000
const CONNECT_MS = 10_000
/** A handshake is far shorter than that. */
const MAX_HANDSHAKE_BYTES = 1024

/** One connection of git's or ssh's: the SOCKS handshake, then bytes both ways, each side as slow as the other. */
export class DialTunnel {
  private readonly client: Socket
  private readonly services: EngineServices
  private readonly owner: TunnelOwner
  private readonly deadline = new Deadline(() => this.destroy())
  private pass: DialPass | null = null
  private received = Buffer.alloc(0)
  private stage: (() => boolean) | null = () => this.greet()
  private dial: DialHandle | null = null
  private upstream: Dialled | null = null
  private over = false

  constructor(client: Socket, services: EngineServices, owner: TunnelOwner) {
    this.client = client
    this.services = services
    this.owner = owner
    services.ledger.enter('tunnels')
    services.timers.set(this.deadline, 'connect', services.world.now(), HANDSHAKE_MS)
    client.on('data', (chunk) => this.fromClient(chunk))
    client.on('end', () => this.clientEnded())
    client.on('close', () => this.destroy())
    client.on('drain', () => this.upstream?.socket.resume())
  }

  destroy(): void {
    if (this.over) return
    this.over = true
    this.services.timers.remove(this.deadline)
    this.dial?.cancel()
    this.upstream?.socket.destroy()
    this.client.destroy()
    this.pass?.remove(this)
    this.services.ledger.strike('tunnels')
    this.owner.closed()
  }

  private fromClient(chunk: Buffer): void {
    if (this.over) return
    if (this.upstream !== null) {
      if (!this.upstream.socket.write(chunk)) this.client.pause()
      return
    }
    this.received = Buffer.concat([this.received, chunk])
    if (this.received.length > MAX_HANDSHAKE_BYTES) return this.destroy()
    while (this.stage !== null && this.stage());
  }

  private clientEnded(): void {
    if (this.upstream === null) this.destroy()
    else this.upstream.socket.end()
  }

  /** Runs `then` with a message of the handshake; whether there may be more of it. */
  private read<T extends { end: number }>(message: T | 'more' | 'type' | 'other', then: (message: T) => void): boolean {
    if (message === 'more') return false
    if (typeof message === 'string') {
      this.destroy()
      return false
    }
    this.received = this.received.subarray(message.end)
    then(message)
    return !this.over
  }

  private greet(): boolean {
    return this.read(readSocks5Greeting(this.received), ({ methods }) => {
      const offersLogin = methods.includes(socks5Methods.password)
      this.stage = () => this.login()
      this.client.write(Buffer.of(SOCKS5, offersLogin ? socks5Methods.password : socks5Methods.unacceptable))
      if (!offersLogin) this.client.end()
    })
  }

  private login(): boolean {
    return this.read(readSocks5Login(this.received), ({ username, password }) => {
      this.pass = this.owner.passFor(username, password)
      this.client.write(Buffer.of(1, this.pass === null ? 1 : 0))
      this.stage = this.pass === null ? null : () => this.connect()
      if (this.pass === null) this.client.end()
      else this.pass.add(this)
    })
  }

  private connect(): boolean {
    return this.read(readSocks5Request(this.received), ({ command, host, port }) => {
      this.stage = null
      if (command !== socks5Commands.connect) return this.destroy()
      const pass = this.pass!
      const { timers, dialler } = this.services
      timers.remove(this.deadline)
      this.dial = dialler.dial(
        { kind: 'tcp', host, port },
        { connectMs: CONNECT_MS, tls: null, tlsMs: 0, guard: pass.guard, via: pass.via, serverFirst: true },
        {
          connected: (upstream) => this.splice(upstream, pass),
          failed: (error) => {
            pass.failure = error
            const { notAllowed, hostUnreachable } = socks5Codes
            this.answer(error.code === 'ERR_ADDRESS_FORBIDDEN' ? notAllowed : hostUnreachable)
            this.client.end()
          },
        },
      )
    })
  }

  private splice(upstream: Dialled, pass: DialPass): void {
    this.upstream = upstream
    upstream.attach({
      read: (length, buffer) => {
        if (!pass.received(length)) {
          this.destroy()
          return false
        }
        // The buffer is every socket's: what waits in the client's must be its own.
        return this.client.write(Buffer.copyBytesFrom(buffer, 0, length))
      },
      nextBuffer: () => null,
      ended: () => this.client.end(),
      failed: () => this.destroy(),
      // What the client has not read yet is still on its way.
      closed: () => this.client.end(),
    })
    upstream.socket.on('drain', () => this.client.resume())
    this.answer(socks5Codes.granted)
    if (this.received.length > 0) upstream.socket.write(this.received)
    this.received = Buffer.alloc(0)
  }

  /** The address it dialled from is nobody's business. */
  private answer(code: number): void {
    this.client.write(socks5Reply(code, null))
  }
}
