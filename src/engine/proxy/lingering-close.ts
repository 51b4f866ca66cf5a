import type { EngineServices } from '../services.ts'
import { Deadline } from '../timers.ts'
import type { Socket } from '../world.ts'

const LINGER_MS = 2_000

/**
 * Says the last of a connection and closes it. What the client still sends is read and dropped for a while: a reset
 * would take those words from it (RFC 9112 §9.6).
 */
export function lingeringClose(
  socket: Socket,
  lastWords: Buffer | null,
  { world, timers }: Pick<EngineServices, 'world' | 'timers'>,
): void {
  const deadline = new Deadline(() => socket.destroy())
  timers.set(deadline, 'drain', world.now(), LINGER_MS)
  socket.on('close', () => timers.remove(deadline))
  socket.on('error', () => socket.destroy())
  if (lastWords !== null) socket.write(lastWords)
  socket.end()
  socket.resume()
}
