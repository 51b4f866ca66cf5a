import type { DialHandle } from '../../../engine/dial/dial.ts'
import type { Scope } from '../../../engine/scope.ts'
import type { EngineServices } from '../../../engine/services.ts'
import type { RedisAddress } from './redis-address.ts'
import { RedisConnection } from './redis-connection.ts'
import type { RespReply } from './resp.ts'

const CONNECT_MS = 2000
/** A lock is worth less than the fetch that it saves. */
const COMMAND_MS = 1000
const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 10_000

/** What a client works with. */
export interface RedisClientParts {
  address: RedisAddress
  services: Pick<EngineServices, 'dialler' | 'notify' | 'world'>
  scope: Scope
}

/**
 * A client of one Redis server over one connection. While the server is away every command fails at once, and it is
 * looked for behind: that costs requests nothing. Ends with the scope.
 */
export class RedisClient implements AsyncDisposable {
  private readonly parts: RedisClientParts
  private up: RedisConnection | null = null
  /** The one that was made last: it may be on its way up, or down. */
  private last: RedisConnection | null = null
  private upSinceMs = 0
  private connecting: Promise<RedisConnection> | null = null
  private dialling: DialHandle | null = null
  private away = false
  private retryMs = FIRST_RETRY_MS

  constructor(parts: RedisClientParts) {
    this.parts = parts
    // Before the tasks are waited for, which may wait for replies.
    parts.scope.signal.addEventListener('abort', () => this.close(), { once: true })
    parts.scope.use(this)
    this.connect()
  }

  /** Rejects with a RespError where the server refuses it, with any other error where it cannot be asked. */
  async command(...words: readonly string[]): Promise<RespReply> {
    const connection = this.up ?? (this.away ? null : await this.comingUp())
    if (connection === null) throw new Error('the Redis server is away')
    return await this.ask(connection, words)
  }

  /** Null where it does not come up: why, people are told. */
  private async comingUp(): Promise<RedisConnection | null> {
    try {
      return await this.connecting
    } catch {
      return null
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.last?.gone
  }

  private connect(): void {
    if (this.parts.scope.signal.aborted) return
    this.connecting = this.open()
    this.connecting.then(
      (connection) => this.isUp(connection),
      (error: Error) => this.isAway(error),
    )
  }

  private async open(): Promise<RedisConnection> {
    const connection = await this.dial()
    try {
      await Promise.all(this.parts.address.greeting.map((words) => this.ask(connection, words)))
      // A server that wants a password says so only when it is asked for something.
      await this.ask(connection, ['PING'])
    } catch (error) {
      connection.end(new Error('the server refused the greeting'))
      throw error
    }
    return connection
  }

  private dial(): Promise<RedisConnection> {
    const { address, services } = this.parts
    const { promise, resolve, reject } = Promise.withResolvers<RedisConnection>()
    this.dialling = services.dialler.dial(
      address.target,
      { connectMs: CONNECT_MS, tls: address.tls, tlsMs: CONNECT_MS },
      {
        connected: (dialled) => {
          const connection = new RedisConnection(dialled, (error) => this.isLost(connection, error))
          this.last = connection
          resolve(connection)
        },
        failed: reject,
      },
    )
    return promise
  }

  private async ask(connection: RedisConnection, words: readonly string[]): Promise<RespReply> {
    const deadline = this.parts.scope.after(COMMAND_MS, () => connection.end(new Error('no reply in time')))
    try {
      return await connection.send(words)
    } finally {
      deadline.cancel()
    }
  }

  private isUp(connection: RedisConnection): void {
    const { address, scope, services } = this.parts
    if (scope.signal.aborted) return connection.end(new Error('the client is closed'))
    if (connection.over) return this.isAway(new Error('the server closed the connection'))
    this.connecting = null
    this.up = connection
    this.upSinceMs = services.world.now()
    if (!this.away) return
    this.away = false
    this.retryMs = FIRST_RETRY_MS
    services.notify('info', 'Redis is back: fetches are shared with the other replicas again', { redis: address.name })
  }

  /** It may have been restarted: the next one is tried at once, unless this one stood for a moment only. */
  private isLost(connection: RedisConnection, error: Error): void {
    if (connection !== this.up) return
    this.up = null
    if (this.parts.services.world.now() - this.upSinceMs < FIRST_RETRY_MS) this.isAway(error)
    else this.connect()
  }

  private isAway({ message }: Error): void {
    const { address, scope, services } = this.parts
    this.connecting = null
    if (scope.signal.aborted) return
    if (!this.away) {
      this.away = true
      const fields = { redis: address.name, error: message }
      services.notify('warn', 'Redis is away: fetches are not shared with other replicas', fields)
    }
    scope.after(this.retryMs, () => this.connect())
    this.retryMs = Math.min(2 * this.retryMs, LAST_RETRY_MS)
  }

  private close(): void {
    this.dialling?.cancel()
    this.last?.end(new Error('the client is closed'))
  }
}
