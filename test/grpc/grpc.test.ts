import assert from 'node:assert/strict'
import { once } from 'node:events'
import { status } from '@grpc/grpc-js'
import { describe, test, type TestContext } from 'node:test'
import { testCertificate } from '../support/certificates.ts'
import { startGateway, type GatewayOptions, type TestGateway } from '../support/gateway.ts'
import { startOrigin } from '../support/origin.ts'
import { END_HEADERS, frame, frameType, PREFACE } from '../http2/frames.ts'
import { EchoClient, outcomeOf, startEchoService, type EchoService } from './echo-service.ts'

const authority = testCertificate({ subject: 'authority.test', authority: true })
const edge = testCertificate({ subject: 'edge.test', names: ['DNS:edge.test'], issuer: authority })
const app = testCertificate({ subject: 'app.test', names: ['IP:127.0.0.1'], issuer: authority })
const listenerTls = { certificates: [{ cert: edge.certFile, key: edge.keyFile }] }

interface Ways {
  gateway: TestGateway
  service: EchoService
  client: EchoClient
}

async function open(t: TestContext, secure: boolean, options: GatewayOptions = {}): Promise<Ways> {
  const service = await startEchoService(t, secure ? app : undefined)
  const gateway = await startGateway(t, {
    to: [`${secure ? 'https' : 'http'}://127.0.0.1:${service.port}`],
    ...options,
    upstream: { http2: true, ...(secure && { tls: { ca: authority.certFile } }), ...options.upstream },
    listener: secure ? { tls: listenerTls } : { http2: true },
  })
  const client = new EchoClient(t, gateway.port, secure ? { cert: authority.cert, name: 'edge.test' } : null)
  return { gateway, service, client }
}

for (const secure of [true, false]) {
  describe(`gRPC ${secure ? 'over TLS on both sides' : 'in plain text on both sides'}`, () => {
    test('a unary call, with metadata before and behind the message, both ways', async (t) => {
      const { service, client, gateway } = await open(t, secure)
      const {
        messages,
        initial,
        status: ended,
      } = await client.call('unary', [Buffer.from('hello')], { 'x-key': 'value' })
      assert.deepEqual([messages, ended.code], [['hello'], status.OK])
      assert.deepEqual([initial?.get('x-initial'), ended.metadata.get('x-trailing')], [['yes'], ['yes']])
      const [received] = service.calls
      assert.deepEqual([received!.get('x-key'), received!.get('x-forwarded-for')], [['value'], ['127.0.0.1']])
      const [line] = await gateway.logged(1)
      assert.deepEqual([line!.status, line!.path, line!.cause], [200, '/turnpike.test.Echo/Unary', undefined])
    })

    test('server streaming', async (t) => {
      const { client } = await open(t, secure)
      const { messages, status: ended } = await outcomeOf(client.many({ count: '500' }))
      assert.deepEqual(
        messages,
        Array.from({ length: 500 }, (_, at) => String(at)),
      )
      assert.equal(ended.code, status.OK)
    })

    test('client streaming', async (t) => {
      const { client } = await open(t, secure)
      const requests = Array.from({ length: 200 }, () => Buffer.alloc(1000))
      assert.deepEqual((await client.call('sum', requests)).messages, ['200000'])
    })

    test('a conversation, message for message, until the client ends its half', async (t) => {
      const { client } = await open(t, secure)
      const call = client.talk()
      const outcome = outcomeOf(call)
      for (let at = 0; at < 20; at++) {
        const answered = once(call, 'data')
        call.write(Buffer.from(`${at}`))
        assert.equal(String((await answered)[0]), `re: ${at}`)
      }
      call.end()
      assert.equal((await outcome).status.code, status.OK)
    })

    test('messages of megabytes', async (t) => {
      const { client } = await open(t, secure)
      const big = Buffer.alloc(4_000_000, 'abc')
      const { messages } = await client.call('unary', [big])
      assert.ok(messages[0] === big.toString('latin1'))
    })

    test('a status without a message (Trailers-Only) arrives with its text and metadata', async (t) => {
      const { client, gateway } = await open(t, secure)
      const { status: ended, messages } = await client.call('unary', [Buffer.from('x')], {
        fail: String(status.ABORTED),
      })
      assert.deepEqual([ended.code, ended.details, messages], [status.ABORTED, 'asked to fail: é', []])
      assert.deepEqual(ended.metadata.get('x-trailing'), ['yes'])
      assert.equal((await gateway.logged(1))[0]!.status, 200)
    })

    test('a deadline travels to the service, and its end cancels the call there', async (t) => {
      const { client, service, gateway } = await open(t, secure)
      const deadline = new Date(Date.now() + 150)
      const { status: ended } = await client.call('unary', [Buffer.from('x')], { hang: '1' }, { deadline })
      assert.equal(ended.code, status.DEADLINE_EXCEEDED)
      assert.equal(service.calls.length, 1)
      await gateway.when(() => service.cancelled === 1, 'the service to hear of it')
    })

    test('H20 a call that the client cancels in the middle is cancelled at the service', async (t) => {
      const { client, service, gateway } = await open(t, secure)
      const call = client.many({ count: '3', hang: '1' })
      const outcome = outcomeOf(call)
      await once(call, 'data')
      call.cancel()
      assert.equal((await outcome).status.code, status.CANCELLED)
      await gateway.when(() => service.cancelled === 1, 'the service to hear of it')
      assert.equal((await gateway.logged(1))[0]!.cause, 'ERR_CLIENT_ABORT')
      assert.equal(gateway.count('upstreamStreams'), 0)
    })

    test('H7 a service that dies in the middle of a stream is an error to the client', async (t) => {
      const { client, service, gateway } = await open(t, secure)
      const call = client.many({ count: '3', hang: '1' })
      const outcome = outcomeOf(call)
      await once(call, 'data')
      service.server.forceShutdown()
      const { code } = (await outcome).status
      assert.ok(code === status.INTERNAL || code === status.UNAVAILABLE, `status ${code}`)
      assert.match((await gateway.logged(1))[0]!.cause ?? '', /^ERR_UPSTREAM_(?:ABORT|TRUNCATED)$/)
    })

    test('many calls share one connection to the service', async (t) => {
      const { client, gateway, service } = await open(t, secure)
      const calls = Array.from(
        { length: 300 },
        async (_, at) => (await client.call('unary', [Buffer.from(`${at}`)])).messages[0],
      )
      assert.deepEqual(
        await Promise.all(calls),
        Array.from({ length: 300 }, (_, at) => String(at)),
      )
      assert.equal(service.calls.length, 300)
      assert.ok(gateway.count('upstreamSockets') <= 3, `${gateway.count('upstreamSockets')} connections`)
      assert.equal(gateway.count('upstreamStreams'), 0)
    })
  })
}

/** RFC 7541 §6.2.1: a field whose name stands in the static table. */
function literal(index: number, text: string): string {
  return String.fromCharCode(0x40 + index, text.length) + text
}

test('H25 a call in which nothing is said outlives the stall timer, as long as its endpoint answers PING', async (t) => {
  const { client, gateway } = await open(t, false, { upstream: { timeouts: { stall: '40ms' } } })
  const calls = [client.many({ count: '1', hang: '1' }), client.talk()]
  calls[1]!.on('error', () => {})
  const outcomes = calls.map(outcomeOf)
  await once(calls[0]!, 'data')
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.deepEqual(gateway.log, [])
  for (const call of calls) call.cancel()
  for (const outcome of outcomes) assert.equal((await outcome).status.code, status.CANCELLED)
})

test('H25 a call may be silent for longer than bodyProgress, as long as its client answers PING', async (t) => {
  const service = await startEchoService(t)
  const gateway = await startGateway(t, {
    to: [service.port],
    upstream: { http2: true },
    listener: { http2: true, timeouts: { bodyProgress: '1KiB/40ms' } },
  })
  const client = new EchoClient(t, gateway.port)
  const call = client.talk()
  const outcome = outcomeOf(call)
  call.write(Buffer.from('one'))
  await once(call, 'data')
  await new Promise((resolve) => setTimeout(resolve, 300))
  call.write(Buffer.from('two'))
  call.end()
  assert.deepEqual((await outcome).messages, ['re: one', 're: two'])

  // The same, from a client that has gone deaf.
  const raw = await gateway.connect()
  const fields = literal(4, '/turnpike.test.Echo/Talk') + literal(1, 'a.test') + literal(31, 'application/grpc')
  const { headers, settings } = frameType
  raw.send(`${PREFACE}${frame(settings, 0, 0)}${frame(headers, END_HEADERS, 1, `\x83\x86${fields}`)}`)
  await gateway.when(() => gateway.log.some(({ cause }) => cause === 'ERR_BODY_TIMEOUT'), 'the deaf one to be given up')
})

describe('errors of our own are statuses to a gRPC client', () => {
  test('no route: UNIMPLEMENTED', async (t) => {
    const { client, gateway } = await open(t, false, {
      config: {
        gateway: {
          routes: [{ name: 'echo', match: { path: '/turnpike.test.Echo/**' }, respond: { status: 204 } }],
        },
      },
    })
    const { status: ended } = await client.call('nowhere', [Buffer.from('x')])
    assert.equal(ended.code, status.UNIMPLEMENTED)
    assert.match(ended.details, /^ERR_NO_ROUTE: /)
    const [line] = await gateway.logged(1)
    assert.deepEqual([line!.status, line!.cause], [200, 'ERR_NO_ROUTE'])
  })

  test('an endpoint that is not there: UNAVAILABLE, with the cause code', async (t) => {
    const { client, service } = await open(t, false)
    service.server.forceShutdown()
    const { status: ended } = await client.call('unary', [Buffer.from('x')])
    assert.equal(ended.code, status.UNAVAILABLE)
    assert.match(ended.details, /^ERR_CONNECT_REFUSED: /)
    assert.match(String(ended.metadata.get('proxy-status')[0]), /details="ERR_CONNECT_REFUSED"/)
  })

  test('an endpoint that speaks HTTP/1: UNAVAILABLE', async (t) => {
    const { port } = await startOrigin(t)
    const gateway = await startGateway(t, { to: [port], upstream: { http2: true }, listener: { http2: true } })
    const client = new EchoClient(t, gateway.port)
    assert.match((await client.call('unary', [Buffer.from('x')])).status.details, /^ERR_UPSTREAM_HTTP2: /)
  })

  test('an endpoint that does not answer: DEADLINE_EXCEEDED', async (t) => {
    const { client } = await open(t, false, { upstream: { timeouts: { firstByte: '60ms' } } })
    const { status: ended } = await client.call('unary', [Buffer.from('x')], { hang: '1' })
    assert.deepEqual([ended.code, ended.details.split(':')[0]], [status.DEADLINE_EXCEEDED, 'ERR_FIRST_BYTE_TIMEOUT'])
  })
})
