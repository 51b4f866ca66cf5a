import type { TurnpikeError } from '../core/error.ts'
import type { DialEvents, Socket } from './world.ts'

/** How the handshake went; one of the two is called once. */
export interface HandshakeEvents {
  secured(): void
  failed(error: TurnpikeError): void
}

/** What a dialled socket can be secured with: see UpstreamTls. */
export interface UpstreamSecurity {
  /**
   * Starts a handshake on a connected socket and returns the secured one, whose bytes and end go to
   * `stream`. `host` is the name or address that was dialled.
   */
  secure(socket: Socket, host: string, port: number, stream: DialEvents, handshake: HandshakeEvents): Socket
}
