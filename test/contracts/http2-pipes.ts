import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, constants, type ClientHttp2Stream, type Http2Stream } from 'node:http2'
import { connect as connectNet, type Socket } from 'node:net'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { CidrSet } from '../../src/core/address.ts'
import { TurnpikeError } from '../../src/core/error.ts'
import { Headers } from '../../src/core/headers.ts'
import type { BodySink, BodySource } from '../../src/engine/body.ts'
import { createEngine } from '../../src/engine/engine.ts'
import type { Exchange } from '../../src/engine/exchange.ts'
import { HttpServer } from '../../src/engine/http1/http-server.ts'
import { Listener } from '../../src/engine/listen/listener.ts'
import { realWorld } from '../../src/engine/real-world.ts'
import type { EngineServices } from '../../src/engine/services.ts'
import { receivedFields } from '../../src/wire/http2/fields.ts'
import { defaultHeadLimits } from '../../src/wire/http1/head-parser.ts'
import type { BodyPipe, MakePipes } from './body.ts'

/** Turns without a byte, after which nothing can move any more. */
const QUIET_TURNS = 12

/** A stream as the writer of a body; it must have been opened to wait for trailers. */
export class StreamSink implements BodySink {
  ready: () => void = () => {}
  gone: () => void = () => {}
  private readonly stream: Http2Stream

  constructor(stream: Http2Stream) {
    this.stream = stream
    stream.on('aborted', () => this.gone())
    stream.on('close', () => this.gone())
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    this.stream.write(bytes.subarray(start, end), (error) => {
      if (error === null || error === undefined) this.ready()
    })
    return false
  }

  end(trailers: Headers | null): void {
    const { stream } = this
    stream.on('wantTrailers', () => stream.sendTrailers(Object.fromEntries(trailers ?? [])))
    stream.end()
  }

  abort(): void {
    this.stream.close(constants.NGHTTP2_CANCEL)
  }

  flush(): void {}
}

/** A stream as the source of a body. */
export class StreamSource implements BodySource {
  readonly length = -1
  private readonly stream: Http2Stream
  private sink: BodySink | null = null
  private trailers: Headers | null = null

  constructor(stream: Http2Stream) {
    this.stream = stream
    stream.on('trailers', (_fields, _flags, raw: string[]) => (this.trailers = receivedFields(raw)))
  }

  start(sink: BodySink): void {
    const { stream } = this
    this.sink = sink
    stream.on('data', (chunk: Buffer) => {
      if (this.sink?.write(chunk, 0, chunk.length) === false) stream.pause()
    })
    stream.on('end', () => {
      if (stream.rstCode === 0 && !stream.aborted) this.finish()?.end(this.trailers)
    })
    stream.on('close', () => this.finish()?.abort(new TurnpikeError('ERR_UPSTREAM_ABORT')))
  }

  resume(): void {
    this.stream.resume()
  }

  cancel(): void {
    this.sink = null
    this.stream.close(constants.NGHTTP2_CANCEL)
  }

  private finish(): BodySink | null {
    const { sink } = this
    this.sink = null
    return sink
  }
}

/** A client's stream that has sent its head to an engine. */
export interface Http2Front {
  services: EngineServices
  stream: ClientHttp2Stream
  /** Its connection. */
  socket: Socket
  /** Ends both, and fails where something is left. */
  close(): Promise<void>
}

/** A client over real sockets, in front of an engine that hands its exchange to `handle`. */
export async function http2Front(handle: (exchange: Exchange, services: EngineServices) => void): Promise<Http2Front> {
  const services = createEngine({
    world: realWorld(),
    observer: { routed() {}, finished() {} },
    pseudonym: 'contract',
  })
  const server = new HttpServer(
    services,
    { handle: (exchange) => handle(exchange, services) },
    {
      timeouts: { headMs: 60_000, idleMs: 60_000, bodyProgress: null, stallMs: 60_000 },
      limits: defaultHeadLimits,
      http2: true,
      trustedProxies: new CidrSet([]),
      security: () => null,
    },
  )
  const listener = new Listener(
    'web',
    { kind: 'tcp', host: '127.0.0.1', port: 0 },
    { connections: 10, proxyProtocol: null, tls: null },
    { world: services.world, wheel: services.timers, ledger: services.ledger },
    {
      connection: (socket, session) => server.accept(socket, session),
      refused: () => {},
      failed: () => {},
      refusal: () => '',
    },
  )
  const bound = await listener.listen()
  const socket = connectNet(bound.kind === 'tcp' ? bound.port : 0, '127.0.0.1')
  const session = connect('http://contract', { createConnection: () => socket })
  session.on('error', () => {})
  await once(session, 'connect')
  const stream = session.request({ ':method': 'POST', te: 'trailers' }, { endStream: false, waitForTrailers: true })
  stream.on('error', () => {})
  return {
    services,
    stream,
    socket,
    async close() {
      session.destroy()
      await listener.close()
      server.cut()
      for (let turn = 0; alive(services).length > 0 && turn < 1000; turn++) await turnOfTheLoop()
      assert.deepEqual(alive(services), [])
    },
  }
}

function alive({ ledger }: EngineServices): string[] {
  return Object.entries(ledger.snapshot()).flatMap(([kind, { live }]) => (live === 0 ? [] : [kind]))
}

/** Lets everything move that can: until no byte has moved on those connections for some turns. */
export function settleSockets(sockets: () => Socket[]): () => Promise<void> {
  return async () => {
    let moved = -1
    for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
      const now = sockets().reduce((sum, { bytesRead, bytesWritten }) => sum + bytesRead + bytesWritten, 0)
      if (now !== moved) quiet = 0
      moved = now
      await turnOfTheLoop()
    }
  }
}

/** The client side of the engine over real sockets: `Http2RequestBody` for the request, `Http2Reply` for the reply. */
export const http2Pipes: MakePipes = async () => {
  const arrived = Promise.withResolvers<Exchange>()
  const front = await http2Front((exchange) => arrived.resolve(exchange))
  const { stream, socket } = front
  const { client, body } = await arrived.promise
  const sink = new StreamSink(stream)
  const request: BodyPipe = { sink, source: body!, ready: () => {}, gone: () => {} }
  sink.ready = () => request.ready()
  sink.gone = () => request.gone()
  const reply: BodyPipe = { sink: client, source: new StreamSource(stream), ready: () => {}, gone: () => {} }
  client.worker = { clientReady: () => reply.ready(), clientGone: () => reply.gone() }
  client.begin({ status: 200, reason: 'OK', headers: new Headers(), length: -1, hasBody: true, facts: null })
  return { request, reply, settle: settleSockets(() => [socket]), close: () => front.close() }
}
