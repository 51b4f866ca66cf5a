import { once } from 'node:events'
import { connect, type ClientHttp2Session, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2'
import type { TestContext } from 'node:test'

/** What a stream brought back. */
export interface Http2Answer {
  status: number
  fields: IncomingHttpHeaders
  body: Buffer
  trailers: IncomingHttpHeaders | null
}

/** A node:http2 client of one connection, which ends with the test. Over TLS where a server name is given. */
export async function connectHttp2(t: TestContext, port: number, servername = ''): Promise<ClientHttp2Session> {
  const client =
    servername === ''
      ? connect(`http://127.0.0.1:${port}`)
      : connect(`https://127.0.0.1:${port}`, { servername, rejectUnauthorized: false })
  // Whoever cares looks at its streams.
  client.on('error', () => {})
  t.after(() => client.destroy())
  await once(client, 'connect')
  return client
}

/** Sends a request and waits for the whole answer. Rejects where the stream is reset. */
export function askHttp2(
  client: ClientHttp2Session,
  fields: OutgoingHttpHeaders = {},
  body: string | Buffer | null = null,
): Promise<Http2Answer> {
  const stream = client.request({ ':authority': 'a.test', ...fields }, { endStream: body === null })
  if (body !== null) stream.end(body)
  return new Promise((resolve, reject) => {
    let head: IncomingHttpHeaders = {}
    let trailers: IncomingHttpHeaders | null = null
    const chunks: Buffer[] = []
    stream.on('response', (received) => (head = received))
    stream.on('trailers', (received) => (trailers = received))
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', reject)
    stream.on('end', () => {
      const status = Number(head[':status'])
      if (stream.rstCode !== 0) reject(new Error(`reset with ${stream.rstCode}`))
      else resolve({ status, fields: head, body: Buffer.concat(chunks), trailers })
    })
  })
}
