import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import { browserHeaders } from './load/wrk.ts'

const ABREAST = 50

/** Keep-alive connections that have each had one reply and now wait. */
export interface HeldConnections {
  /** How many are still open. */
  open(): number
  release(): Promise<void>
}

/** Opens that many connections to a loopback port, and asks once on each. Throws where one is refused. */
export async function holdConnections(port: number, count: number, secure: boolean): Promise<HeldConnections> {
  const fields = Object.entries({ Host: 'bench.example', ...browserHeaders }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  const request = `GET /index.html HTTP/1.1\r\n${fields.join('')}\r\n`
  const sockets = new Set<net.Socket>()
  let left = count
  const openSome = async (): Promise<void> => {
    while (left > 0) {
      left--
      const socket = secure
        ? tls.connect({ port, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false })
        : net.connect(port, '127.0.0.1')
      await once(socket, secure ? 'secureConnect' : 'connect')
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      socket.write(request)
      const [reply]: Buffer[] = await once(socket, 'data')
      if (!reply?.toString('latin1').startsWith('HTTP/1.1 200')) throw new Error(`answered ${String(reply)}`)
      socket.on('data', () => {})
      // A reset when the proxy is stopped says nothing about the measurement.
      socket.on('error', () => {})
    }
  }
  await Promise.all(Array.from({ length: ABREAST }, openSome))
  return {
    open: () => sockets.size,
    async release() {
      const closing = [...sockets].map((socket) => once(socket, 'close'))
      for (const socket of sockets) socket.destroy()
      await Promise.all(closing)
    },
  }
}
