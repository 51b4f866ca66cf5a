import {
  credentials,
  Client,
  Metadata,
  Server,
  ServerCredentials,
  status,
  type ChannelCredentials,
  type ClientUnaryCall,
  type ClientWritableStream,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type StatusObject,
} from '@grpc/grpc-js'
import type { EventEmitter } from 'node:events'
import type { TestContext } from 'node:test'

const same = (bytes: Buffer): Buffer => bytes

const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/turnpike.test.Echo/${name}`,
  requestStream,
  responseStream,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
})

/** Messages are bytes as they are: what they mean is nothing to a proxy. */
export const echo = {
  unary: method('Unary', false, false),
  many: method('Many', false, true),
  sum: method('Sum', true, false),
  talk: method('Talk', true, true),
} satisfies ServiceDefinition

export interface EchoService {
  port: number
  /** Metadata of each call, in order. */
  calls: Metadata[]
  /** Calls that the client gave up. */
  cancelled: number
  server: Server
}

/**
 * A real gRPC server. `Unary` sends back what it got, or the status that metadata `fail` asks for; `Many` sends
 * as many messages as metadata `count` says, and hangs behind them with `hang`; `Sum` counts bytes; `Talk`
 * answers each message.
 */
export async function startEchoService(t: TestContext, security?: { cert: string; key: string }): Promise<EchoService> {
  const server = new Server()
  const service: EchoService = { port: 0, calls: [], cancelled: 0, server }
  const begin = (call: { metadata: Metadata } & EventEmitter): void => {
    service.calls.push(call.metadata)
    call.on('cancelled', () => service.cancelled++)
  }
  const handlers = {
    unary(call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) {
      begin(call)
      const code = Number(call.metadata.get('fail')[0] ?? 0)
      const trailing = new Metadata()
      trailing.set('x-trailing', 'yes')
      if (call.metadata.get('hang').length > 0) return
      if (code > 0) return callback({ code, details: 'asked to fail: é', metadata: trailing })
      const initial = new Metadata()
      initial.set('x-initial', 'yes')
      call.sendMetadata(initial)
      callback(null, call.request, trailing)
    },
    many(call: ServerWritableStream<Buffer, Buffer>) {
      begin(call)
      const count = Number(call.metadata.get('count')[0] ?? 1)
      for (let at = 0; at < count; at++) call.write(Buffer.from(`${at}`))
      if (call.metadata.get('hang').length === 0) call.end()
    },
    sum(call: ServerReadableStream<Buffer, Buffer>, callback: sendUnaryData<Buffer>) {
      begin(call)
      let bytes = 0
      call.on('data', (message: Buffer) => (bytes += message.length))
      call.on('end', () => callback(null, Buffer.from(String(bytes))))
    },
    talk(call: ServerDuplexStream<Buffer, Buffer>) {
      begin(call)
      call.on('data', (message: Buffer) => call.write(Buffer.from(`re: ${String(message)}`)))
      call.on('end', () => call.end())
    },
  }
  server.addService(echo, handlers)
  const trust =
    security === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(null, [
          { cert_chain: Buffer.from(security.cert), private_key: Buffer.from(security.key) },
        ])
  service.port = await new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', trust, (error, port) => (error === null ? resolve(port) : reject(error))),
  )
  t.after(() => server.forceShutdown())
  return service
}

/** How a call ended. */
export interface Outcome {
  messages: string[]
  initial: Metadata | null
  status: StatusObject
}

/** A real gRPC client of that port; it ends with the test. Over TLS where an authority is given. */
export class EchoClient {
  private readonly client: Client

  constructor(t: TestContext, port: number, authority: { cert: string; name: string } | null = null) {
    const trust: ChannelCredentials =
      authority === null ? credentials.createInsecure() : credentials.createSsl(Buffer.from(authority.cert))
    this.client = new Client(`127.0.0.1:${port}`, trust, {
      ...(authority !== null && { 'grpc.ssl_target_name_override': authority.name }),
      // Or the client's own second tries hide what comes back.
      'grpc.enable_retries': 0,
    })
    t.after(() => this.client.close())
  }

  /** Starts a call; its requests are written by the caller, or all here. */
  talk(metadata: Record<string, string> = {}, options: { deadline?: Date } = {}) {
    return this.client.makeBidiStreamRequest(echo.talk.path, same, same, metadataOf(metadata), options)
  }

  many(metadata: Record<string, string> = {}, options: { deadline?: Date } = {}) {
    return this.client.makeServerStreamRequest(
      echo.many.path,
      same,
      same,
      Buffer.from('go'),
      metadataOf(metadata),
      options,
    )
  }

  /** A call with one reply, as a whole. */
  call(
    name: 'unary' | 'sum' | 'nowhere',
    requests: Buffer[],
    metadata: Record<string, string> = {},
    options: { deadline?: Date } = {},
  ): Promise<Outcome> {
    return new Promise((resolve) => {
      const outcome: Outcome = {
        messages: [],
        initial: null,
        status: { code: status.OK, details: '', metadata: new Metadata() },
      }
      const replied = (_error: unknown, reply?: Buffer): void => {
        if (reply !== undefined) outcome.messages.push(reply.toString('latin1'))
      }
      const path = name === 'nowhere' ? '/turnpike.test.Nowhere/Call' : echo[name].path
      const sent = metadataOf(metadata)
      let call: ClientUnaryCall | ClientWritableStream<Buffer>
      if (name === 'sum') {
        const writable = this.client.makeClientStreamRequest(path, same, same, sent, options, replied)
        for (const request of requests) writable.write(request)
        writable.end()
        call = writable
      } else call = this.client.makeUnaryRequest(path, same, same, requests[0]!, sent, options, replied)
      call.on('metadata', (received: Metadata) => (outcome.initial = received))
      // The reply's callback comes before the status.
      call.on('status', (ended: StatusObject) => {
        outcome.status = ended
        setImmediate(resolve, outcome)
      })
    })
  }
}

/** Collects a stream of replies until its status. */
export function outcomeOf(call: EventEmitter): Promise<Outcome> {
  return new Promise((resolve) => {
    const messages: string[] = []
    let initial: Metadata | null = null
    call.on('metadata', (received: Metadata) => (initial = received))
    call.on('data', (message: Buffer) => messages.push(message.toString('latin1')))
    call.on('error', () => {})
    call.on('status', (ended: StatusObject) => resolve({ messages, initial, status: ended }))
  })
}

function metadataOf(pairs: Record<string, string>): Metadata {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(pairs)) metadata.set(name, value)
  return metadata
}
