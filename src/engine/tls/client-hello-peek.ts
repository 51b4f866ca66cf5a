import { ClientHelloReader, type ClientHello } from '../../wire/client-hello.ts'
import type { Socket } from '../world.ts'

/**
 * Reads a connection's ClientHello and puts every byte back: `done` is called once, with null where the
 * bytes are no ClientHello, and not at all where the connection ends before. The socket is paused then.
 */
export function peekClientHello(socket: Socket, done: (hello: ClientHello | null) => void): void {
  const reader = new ClientHelloReader()
  const chunks: Buffer[] = []
  const take = (chunk: Buffer): void => {
    chunks.push(chunk)
    const result = reader.read(chunk)
    if (result === 'more') return
    socket.off('data', take)
    socket.off('end', abort)
    socket.pause()
    socket.unshift(chunks.length === 1 ? chunk : Buffer.concat(chunks))
    done(result === 'other' ? null : result)
  }
  const abort = (): void => {
    socket.destroy()
  }
  socket.on('data', take)
  socket.on('end', abort)
  socket.resume()
}
