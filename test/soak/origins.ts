import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocketServer } from 'ws'
import type { TestCertificate } from '../support/certificates.ts'
import { freePort, portOf } from '../support/peers/free-port.ts'

/** The services behind the soaked gateway. */
export interface Origins {
  /** Alike, and healthy. */
  ports: number[]
  /** Speaks TLS, with a certificate that nobody knows. */
  tlsPort: number
  /** Nothing listens there. */
  deadPort: number
  close(): Promise<void>
}

const large = Buffer.alloc(1024 * 1024, 'l')

/** Three that serve what the loads ask for, and one address where nobody is. */
export async function startOrigins({ cert, key }: Pick<TestCertificate, 'cert' | 'key'>): Promise<Origins> {
  const servers = await Promise.all([startOrigin(), startOrigin(), startOrigin()])
  const secure = createSecureServer({ cert, key }, (request, response) => {
    request.on('error', () => {})
    response.end('ok')
  })
  secure.listen(0, '127.0.0.1')
  await once(secure, 'listening')
  return {
    ports: servers.map(portOf),
    tlsPort: portOf(secure),
    deadPort: await freePort(),
    async close() {
      for (const server of [...servers, secure]) {
        server.closeAllConnections()
        server.close()
        await once(server, 'close')
      }
    },
  }
}

async function startOrigin(): Promise<Server> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://origin')
    request.on('error', () => {})
    response.on('error', () => {})
    if (pathname.endsWith('/large')) response.end(large)
    else if (pathname.endsWith('/slow')) void trickle((piece) => response.write(piece)).then(() => response.end())
    else if (pathname.endsWith('/upload')) request.on('end', () => response.end('taken')).resume()
    else if (pathname.endsWith('/broken')) {
      response.write('some of it')
      setImmediate(() => response.destroy())
    } else if (pathname.endsWith('/error')) {
      response.statusCode = 503
      response.end('not now')
    } else response.end('ok')
  })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => {
    socket.on('error', () => {})
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function trickle(write: (piece: string) => void): Promise<void> {
  for (let piece = 0; piece < 10; piece++) {
    write('piece\n')
    await sleep(100)
  }
}
