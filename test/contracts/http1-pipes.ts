import assert from 'node:assert/strict'
import { Headers } from '../../src/core/headers.ts'
import { CidrSet } from '../../src/core/address.ts'
import { createEngine } from '../../src/engine/engine.ts'
import type { Exchange } from '../../src/engine/exchange.ts'
import { Http1Body, type BodyFraming } from '../../src/engine/http1/http1-body.ts'
import { HttpServer } from '../../src/engine/http1/http-server.ts'
import { Listener } from '../../src/engine/listen/listener.ts'
import type { EngineServices, ExchangeObserver } from '../../src/engine/services.ts'
import type { BindAddress } from '../../src/engine/world.ts'
import { defaultHeadLimits } from '../../src/wire/http1/head-parser.ts'
import { simEngine } from '../sim/sim-engine.ts'
import { SimWorld } from '../sim/sim-world.ts'
import { plainWire, type WireEnd, type WireStyle } from '../sim/wire.ts'
import type { BodyPipe, MakePipes, Pipes } from './body.ts'
import { WireSink, WireSource } from './wire-body.ts'

const ADDRESS: BindAddress = { kind: 'tcp', host: '127.0.0.1', port: 8080 }
const style: WireStyle = { ...plainWire, capacity: 20_000, segment: 3000, lateWrites: true }

export interface Framings {
  request: 'length' | 'chunked'
  reply: BodyFraming
}

const observer: ExchangeObserver = { routed: () => {}, finished: () => {} }

function lengthOf(framing: BodyFraming, size: number): string {
  return framing === 'length'
    ? `Content-Length: ${size}\r\n`
    : framing === 'chunked'
      ? 'Transfer-Encoding: chunked\r\n'
      : ''
}

/** A client's wire that has sent the head of a request. */
function openClient(
  world: SimWorld,
  framings: Framings,
  sizes: { request: number; reply: number },
): [WireSink, WireSource, WireEnd] {
  const end = world.connect(ADDRESS, style)!
  const version = framings.reply === 'close' ? '1.0' : '1.1'
  const trailers = version === '1.1' ? 'Connection: TE\r\nTE: trailers\r\n' : ''
  const head = `POST / HTTP/${version}\r\nHost: contract\r\n${trailers}${lengthOf(framings.request, sizes.request)}\r\n`
  const sink = new WireSink(end, head, framings.request)
  const source = new WireSource(end, framings.reply, sizes.reply)
  return [sink, source, end]
}

function settleIn(world: SimWorld): () => Promise<void> {
  return async () => {
    await world.loop.run(undefined, world.now() + 4)
  }
}

async function closeAll(world: SimWorld, services: EngineServices, ends: WireEnd[], stop: () => void): Promise<void> {
  for (const end of ends) end.close()
  stop()
  await world.loop.run(undefined, world.now() + 300_000)
  for (const [kind, { live }] of Object.entries(services.ledger.snapshot())) assert.equal(live, 0, `${kind} are left`)
  assert.equal(world.openSockets, 0)
}

function pipe(sink: BodyPipe['sink'], source: BodyPipe['source']): BodyPipe {
  return { sink, source, ready: () => {}, gone: () => {} }
}

function overWire(sink: WireSink, source: BodyPipe['source']): BodyPipe {
  const made = pipe(sink, source)
  sink.ready = () => made.ready()
  sink.gone = () => made.gone()
  return made
}

/** The client side of the engine: `Http1Body` for the request, `Http1Reply` for the reply. */
export function downstreamPipes(framings: Framings): MakePipes {
  return async (sizes) => {
    const world = new SimWorld(3)
    const services = createEngine({ world, observer, pseudonym: 'contract' })
    let exchange: Exchange | null = null
    const door = {
      handle: (each: Exchange): void => {
        exchange = each
      },
    }
    const server = new HttpServer(services, door, {
      timeouts: { headMs: 60_000, idleMs: 60_000, bodyProgress: null, stallMs: 60_000 },
      limits: defaultHeadLimits,
      trustedProxies: new CidrSet([]),
      security: () => null,
    })
    const listener = listen(world, services, server)
    await world.loop.run(() => services.ledger.count('listeners') === 1)
    const [sink, source, end] = openClient(world, framings, sizes)
    sink.begin()
    await world.loop.run(() => exchange !== null)
    const { client, body } = exchange!
    const idle = { bodyWanted: () => {}, bodyCancelled: () => {} }
    const request = overWire(sink, body ?? new Http1Body(idle, 'length', 0))
    const reply = pipe(client, source.source)
    client.worker = {
      clientReady: () => reply.ready(),
      clientGone: () => reply.gone(),
    }
    client.begin({
      status: 200,
      reason: 'OK',
      headers: new Headers(),
      length: framings.reply === 'length' ? sizes.reply : -1,
      hasBody: true,
      facts: null,
    })
    const close = (): Promise<void> =>
      closeAll(world, services, [end], () => {
        void listener.close()
        server.cut()
      })
    return { request, reply, settle: settleIn(world), close }
  }
}

/** The whole engine, gateway included: from a client's wire to an origin's and back. */
export function gatewayPipes(framings: Framings): MakePipes {
  return async (sizes): Promise<Pipes> => {
    const world = new SimWorld(4)
    const engine = simEngine(world, observer, ADDRESS, { kind: 'tcp', host: '192.0.2.1', port: 9000 }, 4)
    const { services } = engine
    let origin: WireEnd | null = null
    world.onDial = () => ({
      kind: 'connects',
      style,
      delayMs: 0,
      accept: (far) => {
        origin = far
      },
    })
    void engine.listener.listen()
    await world.loop.run(() => services.ledger.count('listeners') === 1)
    const [sink, source, end] = openClient(world, framings, sizes)
    sink.begin()
    await world.loop.run(() => origin !== null)
    const requested = new WireSource(origin!, framings.request, sizes.request)
    const originFraming = framings.reply === 'close' ? 'chunked' : framings.reply
    const replying = new WireSink(
      origin!,
      `HTTP/1.1 200 OK\r\n${lengthOf(originFraming, sizes.reply)}\r\n`,
      originFraming,
    )
    const close = (): Promise<void> =>
      closeAll(world, services, [end, origin!], () => {
        void engine.listener.close()
        engine.server.cut()
        void engine.scope.close()
      })
    return {
      request: overWire(sink, requested.source),
      reply: overWire(replying, source.source),
      settle: settleIn(world),
      close,
    }
  }
}

function listen(world: SimWorld, services: EngineServices, server: HttpServer): Listener {
  const listener = new Listener(
    'web',
    ADDRESS,
    { connections: 10, proxyProtocol: null, tls: null },
    { world, wheel: services.timers, ledger: services.ledger },
    {
      connection: (socket, session) => server.accept(socket, session),
      refused: () => {},
      failed: () => {},
      refusal: () => '',
    },
  )
  void listener.listen()
  return listener
}
