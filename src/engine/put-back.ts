import type { Socket } from './world.ts'

/** Has bytes that were read be the first that whoever reads next gets; the socket is paused until then. */
export function putBack(socket: Socket, bytes: Buffer): void {
  socket.pause()
  socket.unshift(bytes)
}
