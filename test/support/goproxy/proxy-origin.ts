import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Server, Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { escapePath } from '../../../src/gomod/module-path.ts'
import { escapeVersion } from '../../../src/gomod/version.ts'
import type { TestCertificate } from '../certificates.ts'
import { portOf } from '../peers/free-port.ts'
import type { ModuleFixture } from './module-fixtures.ts'

/** Answers a request, or breaks it off, as a test says; false leaves it to the modules that the peer has. */
export type ProxyScript = (request: IncomingMessage, response: ServerResponse) => boolean | ServerResponse

/** A module proxy that misbehaves on demand. */
export interface ProxyPeer {
  url: string
  port: number
  /** Paths asked for, in order, as they stood on the wire. */
  asked: string[]
  /** Fields of each request, in the same order. */
  fields: IncomingMessage['headers'][]
  /** Looked at for each request. Default: it has its modules and nothing else. */
  script: ProxyScript
  /** How often a path that ends so was asked for. */
  times(end: string): number
}

export interface ProxyPeerOptions {
  modules?: readonly ModuleFixture[]
  script?: ProxyScript
  /** With one, it speaks https. */
  certificate?: TestCertificate
  /** Highest TLS version. Default: 1.3. */
  maxVersion?: 'TLSv1.2' | 'TLSv1.3'
}

/** Starts one that ends with the test. */
export async function startProxyPeer(t: TestContext, options: ProxyPeerOptions = {}): Promise<ProxyPeer> {
  const { modules = [], script = () => false, certificate, maxVersion = 'TLSv1.3' } = options
  const files = filesOf(modules)
  const listener: RequestListener = (request, response) => {
    peer.asked.push(request.url!)
    peer.fields.push(request.headers)
    if (peer.script(request, response) !== false) return
    const file = files.get(decodeURIComponent(request.url!))
    if (file === undefined) response.writeHead(404, { 'Content-Type': 'text/plain' }).end('not found: no such module')
    else response.writeHead(200, { 'Content-Length': file.length }).end(file)
  }
  const server: Server =
    certificate === undefined
      ? createServer(listener)
      : createTlsServer({ cert: certificate.cert, key: certificate.key, maxVersion }, listener)
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
    await once(server, 'close')
  })
  const port = portOf(server)
  const peer: ProxyPeer = {
    url: `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    asked: [],
    fields: [],
    script,
    times: (end) => peer.asked.filter((path) => path.endsWith(end)).length,
  }
  return peer
}

function filesOf(modules: readonly ModuleFixture[]): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (const { module, version, info, mod, zip } of modules) {
    const place = `/${escapePath(module)!}/@v`
    const list = files.get(`${place}/list`)?.toString() ?? ''
    files.set(`${place}/list`, Buffer.from(`${list}${version}\n`))
    files.set(`/${escapePath(module)!}/@latest`, info)
    for (const [extension, bytes] of Object.entries({ info, mod, zip }))
      files.set(`${place}/${escapeVersion(version)!}.${extension}`, bytes)
  }
  return files
}
