import { createServer, type Server } from 'node:http'

/** A small service that says what reached it: something for a first config to send requests to. */
export class DemoService {
  readonly url: string
  private readonly server: Server

  private constructor(server: Server, port: number) {
    this.server = server
    this.url = `http://127.0.0.1:${port}`
  }

  /** Listens on a free port of this machine's loopback. */
  static start(name: string): Promise<DemoService> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      // A client that goes away mid-request is nothing to a demo.
      request.on('error', () => response.destroy())
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const { method, url, headers } = request
        const reply = { service: name, method, path: url, headers, body: Buffer.concat(chunks).toString('utf8') }
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end(`${JSON.stringify(reply, null, 2)}\n`)
      })
    })
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', () => {
        const address = server.address()
        if (typeof address === 'object' && address !== null) resolve(new DemoService(server, address.port))
      })
    })
  }

  /** Ends the service and the connections to it. */
  stop(): Promise<void> {
    this.server.closeAllConnections()
    return new Promise((resolve) => this.server.close(() => resolve()))
  }
}
