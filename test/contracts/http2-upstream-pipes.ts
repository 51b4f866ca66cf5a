import { once } from 'node:events'
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { AttemptWatcher } from '../../src/engine/attempt-watcher.ts'
import { Http2Connections } from '../../src/engine/http2/http2-connections.ts'
import { portOf } from '../support/peers/free-port.ts'
import type { BodyPipe, MakePipes } from './body.ts'
import { http2Front, settleSockets, StreamSink, StreamSource } from './http2-pipes.ts'

const watcher: AttemptWatcher = {
  replied: () => true,
  attemptFailed: (exchange, error) => exchange.fail(error),
  attemptEnded() {},
}

/** The engine over real sockets from an HTTP/2 client's stream to an HTTP/2 endpoint's and back. */
export const http2ThroughPipes: MakePipes = async () => {
  const server = createServer()
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session: ServerHttp2Session) => sessions.add(session))
  const arrived = Promise.withResolvers<ServerHttp2Stream>()
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => {})
    stream.respond({}, { waitForTrailers: true })
    arrived.resolve(stream)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const authority = `127.0.0.1:${portOf(server)}`
  let connections: Http2Connections | null = null
  const front = await http2Front((exchange, services) => {
    exchange.path = exchange.target
    connections = new Http2Connections(services, {
      target: { kind: 'tcp', host: '127.0.0.1', port: portOf(server) },
      tls: null,
      egress: { host: 'preserve', endpointAuthority: authority, via: '', viaLine: '' },
      max: 1,
      idleMs: 60_000,
      connectMs: 60_000,
      tlsMs: 60_000,
      timeouts: { firstByteMs: 60_000, stallMs: 60_000 },
    })
    connections.send(exchange, watcher, false)
  })
  const far = await arrived.promise
  return {
    request: pipe(new StreamSink(front.stream), new StreamSource(far)),
    reply: pipe(new StreamSink(far), new StreamSource(front.stream)),
    settle: settleSockets(() => [front.socket, ...sockets]),
    async close() {
      connections?.close()
      for (const session of sessions) session.destroy()
      server.close()
      await front.close()
    },
  }
}

function pipe(sink: StreamSink, source: StreamSource): BodyPipe {
  const made: BodyPipe = { sink, source, ready: () => {}, gone: () => {} }
  sink.ready = () => made.ready()
  sink.gone = () => made.gone()
  return made
}
