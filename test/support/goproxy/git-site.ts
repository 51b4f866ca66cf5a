import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import { createServer } from 'node:https'
import { connect, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { testCertificate, type TestCertificate } from '../certificates.ts'
import { portOf } from '../peers/free-port.ts'
import { TestRepository } from './test-repository.ts'

/** One server that is the whole internet of a test: pages of vanity hosts, and git over https, http and CONNECT. */
export interface GitSite {
  /** Speaks https for every host. */
  port: number
  /** Speaks http, with the same pages and repositories. */
  plainPort: number
  /** Where ssh is answered; a port without anybody until a test sets it. */
  sshPort: number
  /** A proxy through which a client reaches every host of it: `http://127.0.0.1:…`. */
  proxyUrl: string
  authority: TestCertificate
  /** Answers in place of pages and repositories; by `host/path`. */
  pages: Map<string, RequestListener>
  /** Requests so far: `host/path`. */
  asked: string[]
  /** Makes a repository served as `https://git.test/NAME`, with a page for the module path where one is given. */
  repository(name: string, module?: string): TestRepository
  /** Where repositories are on disk. */
  folder: string
  /** Needed for repositories below `/private/`: `user:password`. */
  login: string
}

const HOSTS = ['code.test', 'git.test', 'other.test', 'inner.test', 'meta.test', 'goproxy.test', 'gopkg.in']

/** A page with a go-import tag. */
export function goImport(content: string): RequestListener {
  return (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html' })
    response.end(`<!doctype html><html><head><meta name="go-import" content="${content}"></head><body></body></html>`)
  }
}

/** Starts one; it ends with the test. */
export async function startGitSite(t: TestContext): Promise<GitSite> {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-git-site-'))
  const authority = testCertificate({ subject: 'Turnpike test authority', authority: true })
  const certificate = testCertificate({
    subject: 'code.test',
    names: HOSTS.map((host) => `DNS:${host}`),
    issuer: authority,
  })
  const listener: RequestListener = (request, response) => {
    const url = new URL(request.url!, `https://${request.headers.host}`)
    const place = `${url.hostname}${url.pathname}`
    site.asked.push(place)
    const page = site.pages.get(place)
    if (page !== undefined) page(request, response)
    else if (url.hostname === 'git.test') serveGit(site, url, request, response)
    else response.writeHead(404).end('no such page')
  }
  const server = createServer({ cert: certificate.cert, key: certificate.key }, listener)
  const plain = createHttpServer(listener)
  const proxy = createHttpServer((_request, response) => response.writeHead(405).end())
  const sockets = new Set<Socket>()
  proxy.on('connect', (request, client: Socket, head) => {
    const upstream = connect(request.url!.endsWith(':443') ? site.port : site.plainPort, '127.0.0.1')
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => socket.destroy()))
    client.write('HTTP/1.1 200 OK\r\n\r\n')
    upstream.write(head)
    client.pipe(upstream).pipe(client)
  })
  const servers: Server[] = [server, plain, proxy]
  for (const each of servers) {
    each.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})))
    each.listen(0, '127.0.0.1')
    await once(each, 'listening')
  }
  t.after(() => {
    for (const each of servers) each.close()
    for (const socket of sockets) socket.destroy()
    rmSync(folder, { recursive: true, force: true })
  })
  const site: GitSite = {
    port: portOf(server),
    plainPort: portOf(plain),
    sshPort: 1,
    proxyUrl: `http://127.0.0.1:${portOf(proxy)}`,
    authority,
    pages: new Map(),
    asked: [],
    folder,
    login: 'bot:s3cret word',
    repository(name, module) {
      const repository = new TestRepository(join(folder, name))
      repository.git('config', 'http.receivepack', 'false')
      if (module !== undefined) site.pages.set(module, goImport(`${module} git https://git.test/${name}`))
      return repository
    },
  }
  return site
}

/** `git http-backend` by CGI (RFC 3875). */
function serveGit(site: GitSite, url: URL, request: IncomingMessage, response: ServerResponse): void {
  const expected = `Basic ${Buffer.from(site.login).toString('base64')}`
  if (url.pathname.startsWith('/private/') && request.headers.authorization !== expected) {
    response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="git"' }).end('who are you?')
    return
  }
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH ?? '',
      GIT_PROJECT_ROOT: site.folder,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      PATH_INFO: url.pathname.replace(/^(\/.*?)(\/(?:info\/refs|git-upload-pack|HEAD|objects\/.*))$/, '$1/.git$2'),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method!,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      ...(request.headers['content-length'] !== undefined && { CONTENT_LENGTH: request.headers['content-length'] }),
      ...(request.headers['content-encoding'] !== undefined && {
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'],
      }),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  backend.on('error', () => response.destroy())
  backend.stdin.on('error', () => {})
  request.pipe(backend.stdin)
  const pieces: Buffer[] = []
  backend.stdout.on('data', (piece: Buffer) => pieces.push(piece))
  backend.on('close', () => {
    const bytes = Buffer.concat(pieces)
    const end = bytes.indexOf('\r\n\r\n')
    let status = 200
    for (const line of bytes.toString('latin1', 0, Math.max(end, 0)).split('\r\n')) {
      const [name = '', value = ''] = line.split(/:\s*/, 2)
      if (name === 'Status') status = Number.parseInt(value, 10)
      else if (name !== '') response.setHeader(name, value)
    }
    response.writeHead(end < 0 ? 500 : status).end(bytes.subarray(end + 4))
  })
}
