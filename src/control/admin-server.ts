import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { ListenAddress } from '../core/address.ts'
import { TurnpikeError } from '../core/error.ts'
import type { World } from '../engine/world.ts'
import { problem, type AdminEndpoint, type Answer } from './admin/answer.ts'
import { adminEndpoints, findEndpoint } from './admin/endpoints.ts'
import { adminAddressProblem, AdminGuard } from './admin-guard.ts'
import type { ControlPort } from './control-port.ts'
import { LiveResponses } from './live-responses.ts'
import { reason } from './log-target.ts'

const REQUEST_MS = 10_000
const IDLE_MS = 5_000
const CLOSE_MS = 1_000
const CONNECTIONS = 128

export interface AdminServerOptions {
  address: ListenAddress
  /** Asked of every request; null for none, on loopback alone. */
  token: string | null
  /** Host names that are accepted beside loopback and the address itself. Default: none. */
  hosts?: readonly string[]
  port: ControlPort
  world: World
  /** Told what an endpoint threw. */
  onError: (error: unknown) => void
}

/**
 * The admin API. It stands on `node:http`, off the hot path, and shares nothing with the listeners that
 * serve traffic: neither their limits nor their queue.
 */
export class AdminServer implements AsyncDisposable {
  private readonly server: Server
  private readonly guard: AdminGuard
  private readonly live: LiveResponses
  private readonly endpoints: readonly AdminEndpoint[] = adminEndpoints()
  private readonly options: AdminServerOptions
  private closing: Promise<void> | null = null

  private constructor(options: AdminServerOptions) {
    this.options = options
    this.live = new LiveResponses(options.world)
    this.guard = new AdminGuard(options.token, options.hosts ?? [])
    this.server = createServer(
      { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, keepAliveTimeout: IDLE_MS },
      (request, response) => {
        void this.serve(request, response)
      },
    )
    this.server.maxConnections = CONNECTIONS
  }

  /** Throws ERR_LISTEN where the address cannot be bound, ERR_CONFIG_INVALID where it needs a token. */
  static async listen(options: AdminServerOptions): Promise<AdminServer> {
    const { address } = options
    const message = adminAddressProblem(address, options.token !== null)
    if (message !== null) throw new TurnpikeError('ERR_CONFIG_INVALID', { message })
    const admin = new AdminServer(options)
    const { server } = admin
    const bound = Promise.withResolvers<void>()
    server.once('error', bound.reject)
    if (address.kind === 'unix') server.listen(address.path, bound.resolve)
    else server.listen({ host: address.host === '' ? '::' : address.host, port: address.port }, bound.resolve)
    try {
      await bound.promise
    } catch (cause) {
      throw new TurnpikeError('ERR_LISTEN', {
        message: `The admin address could not be bound: ${reason(cause)}.`,
        cause,
      })
    }
    server.off('error', bound.reject)
    server.on('error', options.onError)
    return admin
  }

  /** Asks another token of the requests from here on; null for none. */
  set token(token: string | null) {
    this.guard.token = token
  }

  /** What was bound: with the real port where 0 was asked for. */
  address(): ListenAddress {
    const bound = this.server.address()
    if (bound === null || typeof bound === 'string') return this.options.address
    return { kind: 'tcp', host: bound.address, port: bound.port }
  }

  /** Accepts no more and lets answers end; after a second, cuts what is left. */
  close(): Promise<void> {
    this.closing ??= this.end()
    return this.closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private async end(): Promise<void> {
    const closed = Promise.withResolvers<void>()
    const cut = this.options.world.setTimer(() => this.server.closeAllConnections(), CLOSE_MS)
    this.server.close(() => closed.resolve())
    this.live.close()
    this.server.closeIdleConnections()
    await closed.promise
    cut.cancel()
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.send(request, response, await this.answer(request))
    } catch (error) {
      this.options.onError(error)
      if (response.headersSent) response.destroy()
      else await this.send(request, response, problem(500, 'ERR_INTERNAL', 'An internal error.'))
    }
  }

  private async answer(request: IncomingMessage): Promise<Answer> {
    const path = (request.url ?? '/').split('?', 1)[0]!
    const found = findEndpoint(this.endpoints, path)
    const refusal = this.guard.check(request, found?.endpoint.method ?? 'GET')
    if (refusal !== null) return refusal
    if (found === null) return problem(404, 'NOT_FOUND', 'There is nothing here; /api lists what there is.')
    return await found.endpoint.answer({ id: found.id, accept: request.headers.accept }, this.options.port)
  }

  private async send(request: IncomingMessage, response: ServerResponse, answer: Answer): Promise<void> {
    const { status, type, body, headers } = answer
    if (typeof body === 'object' && 'start' in body && this.live.full)
      return await this.send(request, response, problem(503, 'TOO_MANY_READERS', 'Too many are watching already.'))
    response.writeHead(status, {
      'Content-Type': type,
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      ...(this.closing === null ? {} : { Connection: 'close' }),
      ...(typeof body === 'string' ? { 'Content-Length': String(Buffer.byteLength(body)) } : {}),
      ...headers,
    })
    if (typeof body === 'string') {
      response.end(body)
      return
    }
    if ('start' in body) {
      if (request.method === 'HEAD') response.end()
      else this.live.send(response, body)
      return
    }
    for (const piece of body) {
      if (response.destroyed) return
      if (!response.write(piece)) await drained(response)
    }
    response.end()
  }
}

/** Resolves when more can be written, or never will be. */
async function drained(response: ServerResponse): Promise<void> {
  const done = Promise.withResolvers<void>()
  response.once('drain', done.resolve)
  response.once('close', done.resolve)
  await done.promise
  response.off('drain', done.resolve)
  response.off('close', done.resolve)
}
