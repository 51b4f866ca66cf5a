import { once } from 'node:events'
import { createServer } from 'node:net'
import type { TestContext } from 'node:test'
import type { Message } from './message.ts'
import { portOf } from './peers/free-port.ts'
import { RawPeer } from './raw-peer.ts'

/** A service of this machine that does on the wire exactly what a test says. */
export interface Origin {
  port: number
  url: string
  /** Connections so far, open or not. */
  connections: RawPeer[]
  /** Whole requests read by `answering`. */
  requests: Message[]
  /** Resolves with the connection of that number, counted from 0, when it is there. */
  connection(index: number): Promise<RawPeer>
}

/** Starts one; each connection is handed to `script`. It ends with the test, and a script that throws fails the test. */
export async function startOrigin(
  t: TestContext,
  script: (connection: RawPeer, origin: Origin, index: number) => void | Promise<void> = answering(() => ok('hello')),
): Promise<Origin> {
  let arrived = Promise.withResolvers<void>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const peer = new RawPeer(socket)
    const index = origin.connections.push(peer) - 1
    arrived.resolve()
    arrived = Promise.withResolvers()
    Promise.resolve(script(peer, origin, index)).catch((error: unknown) => {
      // After what ends the test's other parts: a hook that throws is the last that runs.
      t.after(() => {
        throw error
      })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server)
  const origin: Origin = {
    port,
    url: `http://127.0.0.1:${port}`,
    connections: [],
    requests: [],
    async connection(index) {
      while (origin.connections[index] === undefined) await arrived.promise
      return origin.connections[index]
    },
  }
  t.after(async () => {
    server.close()
    for (const { socket } of origin.connections) socket.destroy()
    await once(server, 'close')
  })
  return origin
}

/** A script that reads whole requests and sends what `answer` makes of each, until the connection ends. */
export function answering(
  answer: (request: Message, origin: Origin) => string | Promise<string>,
): (connection: RawPeer, origin: Origin) => Promise<void> {
  return async (connection, origin) => {
    for (;;) {
      const request = await nextRequest(connection)
      if (request === null) break
      origin.requests.push(request)
      connection.send(await answer(request, origin))
    }
    connection.end()
  }
}

/** Any reply with a body of known length. */
export function ok(body: string, fields = ''): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${fields}\r\n${body}`
}

/** Waits for as long as the test runs: a kept connection is idle for any time. */
async function nextRequest(connection: RawPeer): Promise<Message | null> {
  await connection.until(({ text, ended, closed }) => text !== '' || ended || closed, 'a request', 60_000)
  if (connection.text === '') return null
  return connection.request().catch(() => null)
}
