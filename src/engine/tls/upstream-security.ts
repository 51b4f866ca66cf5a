import type { TurnpikeError } from '../../core/error.ts'
import type { StreamEvents } from '../dial/dialled.ts'
import type { Socket } from '../world.ts'

/** How the handshake went; the first call counts. */
export interface HandshakeEvents {
  /** `version` as in `TLSv1.3`. */
  secured(version: string | null): void
  failed(error: TurnpikeError): void
}

/** What a dialled socket can be secured with: see UpstreamTls. */
export interface UpstreamSecurity {
  /**
   * Starts a handshake on a connected socket and returns the secured one, whose bytes and end go to
   * `stream` once `secured` was called. `host` is the name, address or path that was dialled.
   */
  secure(socket: Socket, host: string, port: number, stream: StreamEvents, handshake: HandshakeEvents): Socket
}
