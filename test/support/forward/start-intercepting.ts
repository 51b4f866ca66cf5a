import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer, type Server, type ServerOptions } from 'node:https'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import type { TestContext } from 'node:test'
import type { ConfigInput } from '../../../src/config/config.ts'
import { testCertificate } from '../certificates.ts'
import type { TestGateway } from '../gateway.ts'
import { portOf } from '../peers/free-port.ts'
import { connectRaw } from '../raw-client.ts'
import { RawPeer } from '../raw-peer.ts'
import { testAuthority, type TestAuthority } from './authority.ts'
import { startForward } from './start-forward.ts'

type ForwardInput = NonNullable<ConfigInput['forward']>
type RuleInput = NonNullable<ForwardInput['rules']>[number]

/** Who signs the certificates of targets in tests. */
export const targetRoot = () => testCertificate({ subject: 'Root of the targets', authority: true })

/** A certificate of a target, by that root. */
export const targetCertificate = (...names: string[]) =>
  testCertificate({ subject: names[0]!, names: names.map((name) => `DNS:${name}`), issuer: targetRoot() })

/** An HTTPS service of this machine; it ends with the test. */
export async function startTarget(
  t: TestContext,
  answer: RequestListener = (request, response) => void response.end(`${request.headers.host} ${request.url}`),
  options: ServerOptions = {},
): Promise<{ port: number; server: Server }> {
  const { cert, key } = targetCertificate('a.test', 'b.test')
  const server = createServer({ cert, key, ...options }, answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { port: portOf(server), server }
}

export interface Intercepting extends TestGateway {
  /** What its clients are to trust. */
  authority: TestAuthority
}

export interface InterceptingOptions {
  /** Names whose tunnels are looked into. Default: `a.test` and `b.test`. */
  names?: string[]
  rule?: Partial<RuleInput>
  intercept?: Partial<NonNullable<ForwardInput['intercept']>>
  forward?: Partial<ForwardInput>
  listener?: Partial<NonNullable<ConfigInput['listeners']>[string]>
  config?: Partial<ConfigInput>
}

/** A forward proxy that looks into the tunnels to some names, all of which lead to a port of this machine. */
export async function startIntercepting(
  t: TestContext,
  port: number,
  { names = ['a.test', 'b.test'], rule = {}, intercept = {}, forward = {}, listener, config }: InterceptingOptions = {},
): Promise<Intercepting> {
  const authority = await testAuthority(t)
  const { upstreamTls, ...others } = intercept
  const proxy = await startForward(
    t,
    {
      rules: names.map((host) => ({
        name: host,
        match: { host },
        intercept: true,
        redirectTo: `127.0.0.1:${port}`,
        ...rule,
      })),
      intercept: { authority: authority.folder, upstreamTls: { ca: targetRoot().certFile, ...upstreamTls }, ...others },
      ...forward,
    },
    { ...(listener && { listener }), ...(config && { config }) },
  )
  return { ...proxy, authority }
}

/** A tunnel by CONNECT, with the proxy's port: the connection, once it is granted. */
export async function openTunnel(port: number, target: string): Promise<RawPeer> {
  const client = await connectRaw(port)
  client.send(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`)
  await client.until(({ text }) => text.includes('\r\n\r\n'), 'the grant')
  if (!client.text.startsWith('HTTP/1.1 200')) throw new Error(client.text)
  client.text = ''
  return client
}

/** TLS in a tunnel, as a client that trusts the proxy's authority. */
export async function openSecured(
  proxy: Intercepting,
  host = 'a.test',
  options: ConnectionOptions = {},
): Promise<{ peer: RawPeer; socket: TLSSocket }> {
  const { socket: plain } = await openTunnel(proxy.port, `${host}:443`)
  plain.removeAllListeners('data')
  plain.allowHalfOpen = false
  const socket = connectTls({ socket: plain, servername: host, ca: readFileSync(proxy.authority.file), ...options })
  const peer = new RawPeer(socket)
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve)
    socket.once('error', reject)
  })
  return { peer, socket }
}
