import { once } from 'node:events'
import {
  createSecureServer,
  createServer,
  type IncomingHttpHeaders,
  type SecureServerOptions,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2'
import type { TestContext } from 'node:test'
import { portOf } from './peers/free-port.ts'

/** A node:http2 service of this machine. */
export interface Http2Endpoint {
  port: number
  url: string
  /** Connections so far, open or not. */
  sessions: ServerHttp2Session[]
  streams: ServerHttp2Stream[]
  /** Resolves with the stream of that number, counted from 0, when it is there. */
  stream(index: number): Promise<ServerHttp2Stream>
}

export type Http2Script = (stream: ServerHttp2Stream, fields: IncomingHttpHeaders, raw: string[], index: number) => void

/** Starts one, over TLS where `secure` has a certificate; each stream is handed to `script`. It ends with the test. */
export async function startHttp2Endpoint(
  t: TestContext,
  script: Http2Script,
  options: ServerOptions = {},
  secure: SecureServerOptions | null = null,
): Promise<Http2Endpoint> {
  const server = secure === null ? createServer(options) : createSecureServer({ ...options, ...secure })
  let arrived = Promise.withResolvers<void>()
  server.on('session', (session: ServerHttp2Session) => {
    session.on('error', () => {})
    endpoint.sessions.push(session)
  })
  server.on('stream', (stream: ServerHttp2Stream, fields: IncomingHttpHeaders, _flags: number, raw: string[]) => {
    // Resets are what some tests are about.
    stream.on('error', () => {})
    const index = endpoint.streams.push(stream) - 1
    script(stream, fields, raw, index)
    arrived.resolve()
    arrived = Promise.withResolvers()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server)
  const endpoint: Http2Endpoint = {
    port,
    url: `${secure === null ? 'http' : 'https'}://127.0.0.1:${port}`,
    sessions: [],
    streams: [],
    async stream(index) {
      while (endpoint.streams[index] === undefined) await arrived.promise
      return endpoint.streams[index]
    },
  }
  t.after(async () => {
    for (const session of endpoint.sessions) session.destroy()
    server.close()
    await once(server, 'close')
  })
  return endpoint
}

/** A script that answers each stream with 200 and what it was sent, trailers included. */
export function echoing(stream: ServerHttp2Stream): void {
  let trailers: IncomingHttpHeaders = {}
  stream.on('trailers', (received: IncomingHttpHeaders) => (trailers = received))
  stream.respond({ ':status': 200, 'content-type': 'text/plain' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ ...trailers, 'x-echo': 'done' }))
  stream.pipe(stream)
}
