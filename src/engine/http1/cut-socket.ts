import type { Socket } from '../world.ts'

/**
 * Ends a connection by a reset, so that the peer cannot take what it got for complete (H7). Only plain
 * TCP has resets: Node throws for others. A TLS connection that ends without close_notify is truncated too.
 */
export function cutSocket(socket: Socket, isSecured: boolean): void {
  if (isSecured || socket.remoteAddress === undefined) socket.destroy()
  else socket.resetAndDestroy()
}
