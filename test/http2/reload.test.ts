import assert from 'node:assert/strict'
import { once } from 'node:events'
import test from 'node:test'
import { testCertificate } from '../support/certificates.ts'
import { startGateway } from '../support/gateway.ts'
import { askHttp2, connectHttp2 } from '../support/http2-client.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'

const a = testCertificate({ subject: 'a.test', names: ['DNS:a.test'] })
const certificates = [{ cert: a.certFile, key: a.keyFile }]

function configOf(
  web: object,
  endpoint: string,
  respond: string,
): Parameters<Awaited<ReturnType<typeof startGateway>>['turnpike']['reload']>[0] {
  return {
    listeners: { web: { address: '127.0.0.1:0', door: 'gateway', ...web } },
    gateway: {
      routes: [
        { name: 'app', match: { path: '/app' }, to: 'app' },
        { name: 'own', respond: { body: respond } },
      ],
      upstreams: { app: { endpoints: [endpoint] } },
    },
    admin: 'off',
    log: { access: 'off' },
  }
}

test('W3 a connection and its streams live through a reload; what it asks next is served by the new routes', async (t) => {
  const answer = Promise.withResolvers<string>()
  const origin = await startOrigin(
    t,
    answering(() => answer.promise),
  )
  const listener = { tls: { certificates } }
  const before = configOf(listener, origin.url, 'before')
  const gateway = await startGateway(t, { config: before })
  const client = await connectHttp2(t, gateway.port, 'a.test')
  const long = askHttp2(client, { ':path': '/app' })
  assert.equal(String((await askHttp2(client)).body), 'before')
  await gateway.when(() => origin.requests.length === 1, 'the long request')
  await gateway.turnpike.reload(configOf(listener, origin.url, 'after'))
  assert.equal(String((await askHttp2(client)).body), 'after')
  answer.resolve(ok('long'))
  assert.equal(String((await long).body), 'long')
  assert.equal(gateway.count('clientSockets'), 1)
})

test('H26 a connection from before other security settings: 421, GOAWAY, and its streams finish', async (t) => {
  const answer = Promise.withResolvers<string>()
  const origin = await startOrigin(
    t,
    answering(() => answer.promise),
  )
  const gateway = await startGateway(t, { config: configOf({ tls: { certificates } }, origin.url, 'own') })
  const client = await connectHttp2(t, gateway.port, 'a.test')
  const long = askHttp2(client, { ':path': '/app' })
  await gateway.when(() => origin.requests.length === 1, 'the long request')
  await gateway.turnpike.reload(configOf({ tls: { certificates, minVersion: '1.3' } }, origin.url, 'own'))
  const goodbye = once(client, 'goaway')
  assert.equal((await askHttp2(client)).status, 421)
  await goodbye
  answer.resolve(ok('long'))
  assert.equal(String((await long).body), 'long')
  await gateway.when(() => gateway.count('clientSockets') === 0, 'the connection to close')
})

test('a reload that turns HTTP/2 off holds for new connections, those that speak it finish', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { config: configOf({ tls: { certificates } }, origin.url, 'own') })
  const client = await connectHttp2(t, gateway.port, 'a.test')
  assert.equal((await askHttp2(client)).status, 200)
  await gateway.turnpike.reload(configOf({ tls: { certificates }, http2: false }, origin.url, 'own'))
  assert.equal((await askHttp2(client)).status, 200)
  await assert.rejects(connectHttp2(t, gateway.port, 'a.test'))
})
