import type { TestContext } from 'node:test'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { createServer } from 'node:tls'
import type { ConfigInput } from '../../src/config/config.ts'
import { testCertificate, type TestCertificate } from './certificates.ts'
import { startGateway, type TestGateway } from './gateway.ts'
import { portOf } from './peers/free-port.ts'

type GatewayInput = NonNullable<ConfigInput['gateway']>
type StreamInput = NonNullable<GatewayInput['streams']>[number]

export interface StreamSetting {
  /** Ports of the one upstream's endpoints. */
  to: number[]
  /** Default: every name. */
  streams?: StreamInput[]
  upstream?: Partial<NonNullable<GatewayInput['upstreams']>[string]>
  listener?: Partial<ConfigInput['listeners'][string]>
}

export function streamConfig({ to, streams, upstream = {}, listener = {} }: StreamSetting): ConfigInput {
  return {
    listeners: { web: { address: '127.0.0.1:0', door: 'gateway', mode: 'sni', ...listener } },
    gateway: {
      routes: [{ name: 'own', respond: { body: 'ended here' } }],
      streams: streams ?? [{ name: 'through', match: { sni: '*' }, to: 'app' }],
      upstreams: { app: { endpoints: to.map((port) => `tcp://127.0.0.1:${port}`), ...upstream } },
    },
    admin: 'off',
    log: { access: 'off' },
  }
}

/** A gateway whose one listener takes TLS by its ClientHello. */
export function startSniGateway(t: TestContext, setting: StreamSetting): Promise<TestGateway> {
  return startGateway(t, { config: streamConfig(setting) })
}

/** Answers every connection of TLS with a name, and echoes what comes. */
export async function startTlsServer(
  t: TestContext,
  name: string,
): Promise<{ port: number; certificate: TestCertificate }> {
  const certificate = testCertificate({ subject: name, names: [`DNS:${name}`] })
  const sockets = new Set<Socket>()
  const server = createServer({ cert: certificate.cert, key: certificate.key, allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    socket.write(`this is ${name}\n`)
    socket.pipe(socket)
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { port: portOf(server), certificate }
}
