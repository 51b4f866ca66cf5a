import { TurnpikeError, type ErrorOptions } from '../../core/error.ts'
import { TunnelRefusal, type TunnelHandshake, type TunnelTarget } from '../../wire/tunnel/tunnel-handshake.ts'
import type { Dialled, StreamEvents } from './dialled.ts'
import { handshakeWith, type Parent } from './parent.ts'

/** How the opening of a tunnel went; one of the two is called once. */
export interface TunnelResult {
  /** `early`: bytes that came behind the parent's answer already, null for none. */
  opened(early: Buffer | null): void
  failed(error: TurnpikeError): void
}

const codes = { auth: 'ERR_PARENT_AUTH', refused: 'ERR_PARENT_REFUSED', protocol: 'ERR_PARENT_PROTOCOL' } as const

/** Has a parent open a tunnel on a connection to it (F7: nothing of the client's is sent before). */
export class TunnelOpening implements StreamEvents {
  private readonly dialled: Dialled
  private readonly parent: Parent
  private readonly handshake: TunnelHandshake
  private readonly result: TunnelResult
  private over = false

  constructor(dialled: Dialled, parent: Parent, target: TunnelTarget, result: TunnelResult) {
    this.dialled = dialled
    this.parent = parent
    this.handshake = handshakeWith(parent, target)
    this.result = result
  }

  start(): void {
    this.dialled.attach(this)
    this.attempt(() => void this.dialled.socket.write(this.handshake.begin()))
  }

  read(length: number, buffer: Buffer): boolean {
    this.attempt(() => {
      const step = this.handshake.take(buffer, 0, length)
      if (!step.open) {
        if (step.send !== null) this.dialled.socket.write(step.send)
        return
      }
      this.over = true
      this.result.opened(step.end < length ? Buffer.from(buffer.subarray(step.end, length)) : null)
    })
    return true
  }

  nextBuffer(): Buffer | null {
    return null
  }

  ended(): void {
    this.fail('protocol', 'it closed the connection', {})
  }

  failed(cause: Error): void {
    this.fail('protocol', 'the connection to it broke', { cause })
  }

  closed(): void {
    this.fail('protocol', 'it closed the connection', {})
  }

  private attempt(step: () => void): void {
    if (this.over) return
    try {
      step()
    } catch (error) {
      if (!(error instanceof TunnelRefusal)) throw error
      this.fail(error.kind, error.message, { status: error.status, cause: error })
    }
  }

  private fail(kind: TunnelRefusal['kind'], what: string, options: ErrorOptions): void {
    if (this.over) return
    this.over = true
    this.result.failed(
      new TurnpikeError(codes[kind], { ...options, message: `The parent ${this.parent.name}: ${what}.` }),
    )
  }
}
