import type { Socket } from '../world.ts'

/**
 * Ends a connection by a reset, so that the peer cannot take what it got for complete (H7). Only plain
 * TCP has resets: Node throws for others. A TLS connection that ends without close_notify is truncated too. And
 * libuv resets nothing whose own direction was ended, but leaves it open: closing it will do, since its peer has had
 * that direction whole, and is reset by the system where it sends more. With bytes left to write it is not yet so far.
 */
export function cutSocket(socket: Socket, isSecured: boolean): void {
  const ended = socket.writableEnded && socket.writableLength === 0
  if (isSecured || socket.remoteAddress === undefined || ended) socket.destroy()
  else socket.resetAndDestroy()
}
