import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority } from '../certs/create-authority.ts'
import { certificateFile, openAuthority } from '../certs/open-authority.ts'
import type { ConfigInput } from '../config/config.ts'

const LIFETIME_MS = 86_400_000

/** What the demo's forward proxy leads to and looks into: a secure service, and an authority that lasts as long as the demo. */
export class DemoForward {
  /** PEM file of the authority: what clients of the intercepted service trust. */
  readonly certificate: string
  private readonly folder: string
  private readonly server: Server
  private readonly port: number

  private constructor(folder: string, server: Server, port: number) {
    this.folder = folder
    this.certificate = join(folder, 'ca', certificateFile)
    this.server = server
    this.port = port
  }

  /** Listens on a free port of this machine's loopback. */
  static async start(): Promise<DemoForward> {
    const folder = await mkdtemp(join(tmpdir(), 'turnpike-demo-'))
    await createAuthority(join(folder, 'ca'))
    const authority = await openAuthority(join(folder, 'ca'))
    const { chain, key } = authority.issue(['secure.example'], LIFETIME_MS, Date.now())
    const server = createServer({ cert: chain, key }, (request, response) => {
      // A client that goes away mid-request is nothing to a demo.
      request.on('error', () => response.destroy())
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(`${JSON.stringify({ service: 'secure', path: request.url, headers: request.headers }, null, 2)}\n`)
    })
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', () => {
        const address = server.address()
        if (typeof address === 'object' && address !== null) resolve(new DemoForward(folder, server, address.port))
      })
    })
  }

  /** The door: two names that only this proxy knows, one of them looked into, and some that it refuses. */
  config(service: string): NonNullable<ConfigInput['forward']> {
    return {
      auth: 'off',
      guard: { allow: ['127.0.0.1/32'] },
      rules: [
        { name: 'demo', match: { host: 'demo.example' }, redirectTo: new URL(service).host },
        {
          name: 'looked-into',
          match: { host: 'secure.example' },
          intercept: true,
          redirectTo: `127.0.0.1:${this.port}`,
          use: [{ headers: { request: { set: { 'x-looked-into-by': 'turnpike' } } } }],
        },
        { name: 'ads', match: { host: '*.ads.example' }, deny: true },
      ],
      intercept: { authority: join(this.folder, 'ca'), upstreamTls: { ca: this.certificate } },
    }
  }

  /** Ends the service, the connections to it, and the authority. */
  async stop(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise<void>((resolve) => this.server.close(() => resolve()))
    await rm(this.folder, { recursive: true })
  }
}
