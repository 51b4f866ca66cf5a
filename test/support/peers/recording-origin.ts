import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import type net from 'node:net'
import { portOf } from './free-port.ts'

/** One request as an origin understood it. */
export interface SeenRequest {
  method: string
  target: string
  host: string
  bodyLength: number
  bodyHash: string
  /** Names in lower case, with values, in the order of arrival. */
  headers: [string, string][]
}

export interface RecordingOrigin {
  readonly port: number
  /** Complete requests since the last `clear`. */
  readonly seen: SeenRequest[]
  /** All bytes received since the last `clear`, as latin1. */
  bytes(): string
  clear(): void
  stop(): Promise<void>
}

/** The hash that `SeenRequest.bodyHash` holds for these bytes. */
export function bodyHash(body: string | Uint8Array): string {
  return createHash('sha256').update(body).digest('hex').slice(0, 16)
}

/**
 * Node's own HTTP server, recording what it understood and the raw bytes. It answers each request
 * with a JSON line of the same facts.
 */
export async function startRecordingOrigin(): Promise<RecordingOrigin> {
  const seen: SeenRequest[] = []
  let raw = ''
  const server = http.createServer({ keepAliveTimeout: 0 }, (request, response) => {
    const hash = createHash('sha256')
    let bodyLength = 0
    request.on('data', (chunk: Buffer) => {
      hash.update(chunk)
      bodyLength += chunk.length
    })
    request.on('end', () => {
      const headers: [string, string][] = []
      for (let at = 0; at < request.rawHeaders.length; at += 2) {
        headers.push([request.rawHeaders[at]!.toLowerCase(), request.rawHeaders[at + 1]!])
      }
      const facts: SeenRequest = {
        method: request.method ?? '',
        target: request.url ?? '',
        host: request.headers.host ?? '',
        bodyLength,
        bodyHash: hash.digest('hex').slice(0, 16),
        headers,
      }
      seen.push(facts)
      const body = `${JSON.stringify(facts)}\n`
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
      response.end(body)
    })
  })
  server.on('connection', (socket: net.Socket) => {
    socket.prependListener('data', (chunk: Buffer) => (raw += chunk.toString('latin1')))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: portOf(server),
    seen,
    bytes: () => raw,
    clear() {
      seen.length = 0
      raw = ''
    },
    async stop() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
