import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import path from 'node:path'
import test from 'node:test'
import { promisify } from 'node:util'
import { testCertificate } from '../support/certificates.ts'
import { startGateway } from '../support/gateway.ts'
import { startNginx } from '../support/peers/nginx.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import { EchoClient, outcomeOf, startEchoService } from './echo-service.ts'

const run = promisify(execFile)
const edge = testCertificate({ subject: 'edge.test', names: ['DNS:edge.test'], authority: true })

test('grpcurl calls a service through the TLS listener, and reads our errors', async (t) => {
  if (!requireProgram(t, 'grpcurl')) return
  const service = await startEchoService(t)
  const gateway = await startGateway(t, {
    to: [service.port],
    upstream: { http2: true },
    listener: { tls: { certificates: [{ cert: edge.certFile, key: edge.keyFile }] } },
  })
  const grpcurl = (name: string, text: string) =>
    run('grpcurl', [
      '-cacert',
      edge.certFile,
      '-authority',
      'edge.test',
      '-import-path',
      import.meta.dirname,
      '-proto',
      'echo.proto',
      '-d',
      JSON.stringify({ text }),
      `127.0.0.1:${gateway.port}`,
      `turnpike.test.Echo/${name}`,
    ])
  assert.deepEqual(JSON.parse((await grpcurl('Unary', 'hello')).stdout), { text: 'hello' })
  service.server.forceShutdown()
  await assert.rejects(grpcurl('Unary', 'hello'), ({ stderr }: { stderr: string }) =>
    /Code: Unavailable\s+Message: ERR_/.test(stderr),
  )
})

test('nginx as the endpoint passes calls on to the service', async (t) => {
  if (!requireProgram(t, 'nginx')) return
  const service = await startEchoService(t)
  const nginx = await startNginx({
    http: (port, folder) => `
  server {
    listen 127.0.0.1:${port} http2;
    client_body_temp_path ${path.join(folder, 'temp')};
    location / { grpc_pass grpc://127.0.0.1:${service.port}; }
  }`,
  })
  t.after(() => nginx.stop())
  const gateway = await startGateway(t, { to: [nginx.port], upstream: { http2: true }, listener: { http2: true } })
  const client = new EchoClient(t, gateway.port)
  assert.deepEqual((await client.call('unary', [Buffer.from('hello')])).messages, ['hello'])
  assert.equal((await outcomeOf(client.many({ count: '100' }))).messages.length, 100)
  assert.deepEqual((await client.call('sum', [Buffer.alloc(100), Buffer.alloc(23)])).messages, ['123'])
  // nginx ends a connection after a thousand streams, with GOAWAY.
  for (let round = 0; round < 26; round++) {
    const calls = Array.from({ length: 50 }, async () => (await client.call('unary', [Buffer.from('x')])).status.code)
    assert.deepEqual(new Set(await Promise.all(calls)), new Set([0]))
  }
})
