import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:http2'
import test, { type TestContext } from 'node:test'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startHttp2Endpoint } from '../support/http2-endpoint.ts'
import { startOrigin } from '../support/origin.ts'
import { get } from '../support/raw-client.ts'

/** An endpoint that answers 503, one that says nothing, and one that serves; by the protocol asked for. */
interface Endpoints {
  busy: string
  silent: string
  fine: string
}

async function http1Endpoints(t: TestContext): Promise<Endpoints> {
  const replying = async (reply: string): Promise<string> => {
    const { url } = await startOrigin(t, async (connection) => {
      while ((await connection.request()) !== null) connection.send(reply)
    })
    return url
  }
  return {
    busy: await replying('HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy'),
    silent: await replying(''),
    fine: await replying('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine'),
  }
}

async function http2Endpoints(t: TestContext): Promise<Endpoints> {
  const replying = async (status: number, body: string): Promise<string> => {
    const { url } = await startHttp2Endpoint(t, (stream) => {
      if (status === 0) return
      stream.respond({ ':status': status })
      stream.end(body)
    })
    return url
  }
  return { busy: await replying(503, 'busy'), silent: await replying(0, ''), fine: await replying(200, 'fine') }
}

async function askByHttp1(gateway: TestGateway): Promise<[status: number, body: string]> {
  const client = await gateway.connect()
  client.send(get())
  const { status, body } = await client.reply()
  return [status, body]
}

async function askByHttp2({ port }: TestGateway): Promise<[status: number, body: string]> {
  const session = connect(`http://127.0.0.1:${port}`)
  try {
    const stream = session.request({ ':path': '/', ':authority': 'a.test' })
    const [head]: Record<string, unknown>[] = await once(stream, 'response')
    let body = ''
    for await (const chunk of stream) body += String(chunk)
    return [Number(head![':status']), body]
  } finally {
    session.close()
  }
}

const middleware = { use: [{ headers: { response: { set: { 'x-edge': 'turnpike' } } } }] }
const clients = { 'HTTP/1': askByHttp1, 'HTTP/2': askByHttp2 }
const origins = { 'HTTP/1': http1Endpoints, 'HTTP/2': http2Endpoints }

for (const [from, ask] of Object.entries(clients)) {
  for (const [to, start] of Object.entries(origins)) {
    for (const [kind, use] of Object.entries({ 'the bare route': {}, middleware })) {
      test(`H19 ${from} to ${to} by ${kind}: a status, a silence and the whole time are retried and bounded`, async (t) => {
        const { busy, silent, fine } = await start(t)
        const gatewayTo = (endpoints: string[], timeouts = {}): Promise<TestGateway> =>
          startGateway(t, {
            listener: { http2: true },
            config: {
              gateway: {
                ...use,
                routes: [{ name: 'all', to: 'app', timeouts }],
                upstreams: {
                  app: {
                    endpoints,
                    http2: to === 'HTTP/2',
                    retries: {
                      retryOn: [503, 'timeout'],
                      maxRetries: 2,
                      perTryTimeout: '80ms',
                      backOff: { base: '1ms', max: '2ms' },
                    },
                    admission: { maxInFlight: 2 },
                    circuitBreaker: { errorRate: '90%', minRequests: 100 },
                  },
                },
              },
            },
          })
        const gateway = await gatewayTo([busy, silent, fine])
        assert.deepEqual(await ask(gateway), [200, 'fine'])
        const [line] = await gateway.logged(1)
        assert.deepEqual(
          line!.failedAttempts!.map(({ cause }) => cause),
          ['503', 'ERR_TRY_TIMEOUT'],
        )
        assert.deepEqual([line!.attempts, line!.endpoint], [3, fine])
        const bounded = await gatewayTo([silent], { total: '50ms' })
        assert.equal((await ask(bounded))[0], 504)
        assert.equal((await bounded.logged(1))[0]!.cause, 'ERR_TOTAL_TIMEOUT')
        for (const { turnpike } of [gateway, bounded]) {
          const [cluster] = turnpike.generation.clusters.values()
          assert.equal(cluster!.admission!.inFlight, 0)
          for (const { endpoint } of cluster!.members) assert.equal(endpoint.inFlight, 0)
        }
      })
    }
  }
}
