import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Server } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { parse } from 'yaml'
import type { ConfigInput } from '../../../src/config/config.ts'
import { testCertificate, type TestCertificate } from '../certificates.ts'
import { startGateway, type TestGateway } from '../gateway.ts'
import { portOf } from '../peers/free-port.ts'
import { findProgram } from '../peers/require-program.ts'

/** Two sites that exist behind the proxy alone: `http://plain.example` and `https://secure.example`. */
export interface Sites {
  /** They stand on these ports of 127.0.0.1, the plain one also on ::1. */
  plainPort: number
  securePort: number
  sixPort: number
  /** What signed the certificate of the second, and that of the proxy. */
  authority: TestCertificate
  /** Each request: `METHOD host/path`, with what came in its body. */
  asked: { line: string; headers: IncomingMessage['headers']; bytes: number; hash: string }[]
}

const authority = testCertificate({ subject: 'Authority of the sites', authority: true })
const secure = testCertificate({
  subject: 'secure.example',
  names: ['DNS:secure.example', 'DNS:localhost', 'IP:127.0.0.1'],
  issuer: authority,
})
/** The proxy's own, for clients that speak TLS to it. */
const proxyCertificate = testCertificate({
  subject: 'localhost',
  names: ['DNS:localhost', 'IP:127.0.0.1', 'IP:::1'],
  issuer: authority,
})

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** Starts both; `answer` is given requests whose body was read. They end with the test. */
export async function startSites(
  t: TestContext,
  answer: Answer = ({ method, url }, response) => void response.end(`${method} ${url}\n`),
): Promise<Sites> {
  const asked: Sites['asked'] = []
  const listener: RequestListener = (request, response) => {
    const hash = createHash('sha256')
    let bytes = 0
    request.on('data', (piece: Buffer) => {
      bytes += piece.length
      hash.update(piece)
    })
    request.on('end', () => {
      const { method, url, headers } = request
      asked.push({ line: `${method} ${headers.host}${url}`, headers, bytes, hash: hash.digest('hex') })
      answer(request, response)
    })
  }
  const listening = async (server: Server & { closeAllConnections(): void }, host: string): Promise<number> => {
    server.listen(0, host)
    await once(server, 'listening')
    t.after(() => {
      server.close()
      server.closeAllConnections()
    })
    return portOf(server)
  }
  return {
    plainPort: await listening(createServer(listener), '127.0.0.1'),
    sixPort: await listening(createServer(listener), '::1'),
    securePort: await listening(createTlsServer({ cert: secure.cert, key: secure.key }, listener), '127.0.0.1'),
    authority,
    asked,
  }
}

/** A config as somebody writes it, whose proxy reaches the sites under their names. */
export function proxyYaml(sites: Sites, more = 'auth: off', address = '127.0.0.1:0'): string {
  const indented = more.replaceAll('\n', '\n  ')
  return `
listeners:
  web:
    address: "${address}"
    door: forward
    tls: { certificates: [ { cert: ${proxyCertificate.certFile}, key: ${proxyCertificate.keyFile} } ] }
forward:
  connectPorts: any
  guard: { allow: ["127.0.0.0/8", "::1/128"] }
  rules:
    - { match: { host: plain.example, port: 80 }, redirectTo: "127.0.0.1:${sites.plainPort}" }
    - { match: { host: secure.example, port: 443 }, redirectTo: "127.0.0.1:${sites.securePort}" }
    - { match: { host: [localhost, 127.0.0.1, "::1"] }, direct: true }
  # Clients ask for more than they are told to: nothing of it leaves this machine.
  default: { deny: true }
  ${indented}
`
}

/** Runs a config until the test ends. */
export function startFromYaml(t: TestContext, yaml: string): Promise<TestGateway> {
  const config: ConfigInput = parse(yaml)
  return startGateway(t, { config: { gateway: { routes: [] }, ...config } })
}

export interface Ran {
  /** Exit code. */
  code: number
  stdout: string
  stderr: string
}

/** Runs a client with these variables and no others but PATH, in a folder of its own. Resolves whatever its exit code is. */
export function runClient(
  t: TestContext,
  command: readonly [string, ...string[]],
  env: Readonly<Record<string, string>> = {},
  cwd = temporaryFolder(t),
): Promise<Ran> {
  const [program, ...args] = command
  const { promise, resolve, reject } = Promise.withResolvers<Ran>()
  const file = program.includes('/') ? program : (findProgram(program) ?? program)
  const options = {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd, LANG: 'C', ...env },
    timeout: 60_000,
    maxBuffer: 64 * 1024 * 1024,
  }
  execFile(file, args, options, (error, stdout, stderr) => {
    if (error === null) resolve({ code: 0, stdout, stderr })
    else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr })
    else reject(new Error(`${program} did not end by itself: ${error.message}\n${stderr}`, { cause: error }))
  }).stdin?.end()
  return promise
}

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-client-'))
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
  return folder
}

/** The variables that most clients read. Both cases: each client has its own idea. */
export function proxyEnvironment(url: string, noProxy = ''): Record<string, string> {
  const names = { http_proxy: url, https_proxy: url, all_proxy: url, no_proxy: noProxy }
  return Object.fromEntries(
    Object.entries(names).flatMap(([name, value]) => [
      [name, value],
      [name.toUpperCase(), value],
    ]),
  )
}
