import { timingSafeEqual } from 'node:crypto'
import { TurnpikeError } from '../../../core/error.ts'
import type { EngineServices } from '../../../engine/services.ts'
import type { Scope } from '../../../engine/scope.ts'
import type { ListeningSocket, Socket } from '../../../engine/world.ts'
import { DialPass } from './dial-pass.ts'
import { DialTunnel } from './dial-tunnel.ts'

const MAX_CONNECTIONS = 256

/**
 * The way out for git and ssh, which open sockets of their own: a SOCKS 5 server (RFC 1928) on loopback that dials
 * through the engine, under the guard of the run's pass. Without a pass there is no way through. It listens from the
 * first `port()` on and ends with the scope.
 */
export class DialProxy {
  private readonly services: EngineServices
  private readonly scope: Scope
  private readonly passes = new Map<string, DialPass>()
  private readonly tunnels = new Set<DialTunnel>()
  private listening: Promise<number> | null = null

  constructor(services: EngineServices, scope: Scope) {
    this.services = services
    this.scope = scope
  }

  /** Where it listens on 127.0.0.1. */
  port(): Promise<number> {
    this.listening ??= this.listen().catch((error: unknown) => {
      this.listening = null
      throw error
    })
    return this.listening
  }

  /** Lets the pass's run through, until `revoke`. */
  admit(pass: DialPass): void {
    this.passes.set(pass.user, pass)
  }

  revoke(pass: DialPass): void {
    this.passes.delete(pass.user)
    pass.close()
  }

  private listen(): Promise<number> {
    const { world, ledger } = this.services
    const done = Promise.withResolvers<number>()
    const socket: ListeningSocket = world.listen(
      { kind: 'tcp', host: '127.0.0.1', port: 0 },
      {
        ready: () => {
          const bound = socket.address()
          done.resolve(bound.kind === 'tcp' ? bound.port : 0)
        },
        failed: (cause) => {
          // Accepting can fail later, for want of descriptors; that passes.
          done.reject(new TurnpikeError('ERR_MODULE_VCS', { status: 500, cause }))
        },
        accept: (client, scarce) => this.accept(client, scarce === true),
      },
    )
    ledger.enter('listeners')
    this.scope.use({
      [Symbol.dispose]: () => {
        for (const tunnel of this.tunnels) tunnel.destroy()
        socket.close(() => ledger.strike('listeners'))
      },
    })
    return done.promise
  }

  private accept(client: Socket, scarce: boolean): void {
    client.on('error', () => client.destroy())
    if (scarce || this.tunnels.size >= MAX_CONNECTIONS) return void client.destroy()
    const tunnel = new DialTunnel(client, this.services, {
      passFor: (user, password) => this.passFor(user, password),
      closed: () => this.tunnels.delete(tunnel),
    })
    this.tunnels.add(tunnel)
  }

  private passFor(user: string, password: string): DialPass | null {
    const pass = this.passes.get(user)
    if (pass === undefined || password.length !== pass.password.length) return null
    return timingSafeEqual(Buffer.from(password, 'latin1'), Buffer.from(pass.password, 'latin1')) ? pass : null
  }
}
