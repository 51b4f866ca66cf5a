import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { MemorySocket } from './memory-socket.ts'
import type { SeenRequest, Verdict } from './verdict.ts'

/** Node's own server (llhttp, strict), asked over streams in memory. */
export class NodeVerdicts {
  private readonly server: Server
  private readonly runs = new WeakMap<object, Run>()

  constructor() {
    // Whether Host is there is H10's matter; Node answers that itself, after parsing.
    this.server = createServer({
      insecureHTTPParser: false,
      requireHostHeader: false,
      maxHeaderSize: 65_536,
      connectionsCheckingInterval: 0,
    })
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      this.runs.get(request.socket)?.see(request)
      request.on('end', () => response.end())
    }
    this.server.on('request', answer).on('checkContinue', answer).on('checkExpectation', answer)
    this.server.on('connect', (request, socket) => {
      this.runs.get(socket)?.see(request, 'connect')
      socket.destroy()
    })
    this.server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      this.runs.get(socket)?.fail(error.code ?? error.message)
      // Bodies that are complete are still on their way to their listeners.
      setImmediate(() => socket.destroy())
    })
  }

  judge(pieces: Buffer[]): Promise<Verdict> {
    return new Promise((resolve) => {
      const socket = new MemorySocket(pieces)
      const run = new Run()
      this.runs.set(socket, run)
      socket.on('close', () => resolve(run.verdict()))
      socket.on('error', () => undefined)
      this.server.emit('connection', socket)
    })
  }

  close(): void {
    this.server.close()
  }
}

class Run {
  private readonly seen: { request: IncomingMessage; body: Buffer[] }[] = []
  private ending = ''

  see(request: IncomingMessage, ending = ''): void {
    const body: Buffer[] = []
    request.on('data', (chunk: Buffer) => body.push(chunk))
    request.on('error', () => undefined)
    this.seen.push({ request, body })
    this.ending ||= ending
  }

  fail(code: string): void {
    this.ending ||= code === 'HPE_INVALID_EOF_STATE' ? 'incomplete' : code
  }

  verdict(): Verdict {
    const requests = this.seen.map(({ request, body }): SeenRequest => ({
      method: request.method!,
      target: request.url!,
      minor: request.httpVersionMinor,
      fields: request.rawHeaders,
      body: request.complete && request.method !== 'CONNECT' ? Buffer.concat(body).toString('latin1') : null,
      trailers: request.rawTrailers,
    }))
    return { requests, ending: this.ending || 'end' }
  }
}
