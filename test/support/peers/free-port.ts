import { once } from 'node:events'
import net from 'node:net'

/** The port that a listening TCP server got. */
export function portOf(server: net.Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening on a TCP port')
  return address.port
}

/** A loopback port that was free a moment ago, for programs that cannot bind port 0 and say what they got. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server)
  server.close()
  await once(server, 'close')
  return port
}
