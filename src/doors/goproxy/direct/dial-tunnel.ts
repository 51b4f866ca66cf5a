import type { DialHandle } from '../../../engine/dial/dial.ts'
import type { Dialled } from '../../../engine/dial/dialled.ts'
import { Deadline } from '../../../engine/timers.ts'
import type { EngineServices } from '../../../engine/services.ts'
import type { Socket } from '../../../engine/world.ts'
import type { DialPass } from './dial-pass.ts'
import { readConnect, readGreeting, readLogin, type SocksStep } from './socks-request.ts'

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

/** RFC 1928 §6. */
const SUCCEEDED = 0
const NOT_ALLOWED = 2
const UNREACHABLE = 4

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

  /** Runs `then` with what a step of the handshake says; whether there may be more of it. */
  private read<T>(step: SocksStep<T>, then: (value: T) => void): boolean {
    if (step.kind === 'more') return false
    if (step.kind === 'bad') {
      this.destroy()
      return false
    }
    this.received = this.received.subarray(step.length)
    then(step.value)
    return !this.over
  }

  private greet(): boolean {
    return this.read(readGreeting(this.received), (offersLogin) => {
      this.stage = () => this.login()
      this.client.write(Buffer.of(5, offersLogin ? 2 : 0xff))
      if (!offersLogin) this.client.end()
    })
  }

  private login(): boolean {
    return this.read(readLogin(this.received), ({ user, password }) => {
      this.pass = this.owner.passFor(user, password)
      this.client.write(Buffer.of(1, this.pass === null ? 1 : 0))
      this.stage = this.pass === null ? null : () => this.connect()
      if (this.pass === null) this.client.end()
      else this.pass.add(this)
    })
  }

  private connect(): boolean {
    return this.read(readConnect(this.received), ({ host, port }) => {
      this.stage = null
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
            this.client.write(answer(error.code === 'ERR_ADDRESS_FORBIDDEN' ? NOT_ALLOWED : UNREACHABLE))
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
    this.client.write(answer(SUCCEEDED))
    if (this.received.length > 0) upstream.socket.write(this.received)
    this.received = Buffer.alloc(0)
  }
}

/** RFC 1928 §6: the address it dialled from is nobody's business. */
function answer(code: number): Buffer {
  return Buffer.of(5, code, 0, 1, 0, 0, 0, 0, 0, 0)
}
