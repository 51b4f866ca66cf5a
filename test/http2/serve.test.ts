import assert from 'node:assert/strict'
import test from 'node:test'
import { testCertificate } from '../support/certificates.ts'
import { startGateway } from '../support/gateway.ts'
import { askHttp2, connectHttp2 } from '../support/http2-client.ts'
import { startOrigin } from '../support/origin.ts'
import { ask, get } from '../support/raw-client.ts'

const a = testCertificate({ subject: 'a.test', names: ['DNS:a.test', 'DNS:also-a.test'] })
const tls = { certificates: [{ cert: a.certFile, key: a.keyFile }] }

test('HTTP/2 over TLS where ALPN settles on it: the origin sees the same request as from HTTP/1', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port], listener: { tls }, config: { via: 'edge' } })
  const client = await connectHttp2(t, gateway.port, 'a.test')
  assert.equal(client.alpnProtocol, 'h2')
  const reply = await askHttp2(client, { ':path': '/v1?x=1', cookie: ['a=1', 'b=2'], te: 'trailers' })
  assert.equal(reply.status, 200)
  assert.equal(String(reply.body), 'hello')
  assert.equal(reply.fields.via, '1.1 edge')
  const [request] = origin.requests
  assert.equal(request!.line, 'GET /v1?x=1 HTTP/1.1')
  assert.equal(request!.field('host'), 'a.test')
  assert.equal(request!.field('cookie'), 'a=1; b=2')
  assert.equal(request!.field('via'), '2 edge')
  assert.equal(request!.field('x-forwarded-proto'), 'https')
  assert.equal((await gateway.logged(1))[0]!.protocol, 'HTTP/2')
})

test('HTTP/2 by prior knowledge beside HTTP/1 on one plain port', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port], listener: { http2: true } })
  const client = await connectHttp2(t, gateway.port)
  assert.equal((await askHttp2(client)).status, 200)
  assert.equal((await ask(gateway.port, get())).status, 200)
  assert.deepEqual(
    gateway.log.map(({ protocol }) => protocol),
    ['HTTP/2', 'HTTP/1.1'],
  )
})
