import { randomUUID } from 'node:crypto'
import type { Scope } from '../../../engine/scope.ts'
import type { EngineServices, Notify } from '../../../engine/services.ts'
import { pause } from '../store/pause.ts'
import type { Coordination } from './coordination.ts'
import { redisAddress, type RedisConfig } from './redis-address.ts'
import { RedisClient } from './redis-client.ts'
import { RespError } from './resp.ts'

/** A hold whose holder says nothing for so long is over: it ended, or cannot reach the server. */
const HOLD_MS = 10_000
const HEARTBEAT_MS = 3000
const FIRST_WAIT_MS = 20
const LAST_WAIT_MS = 250

/** Ours still: it goes on. Nobody else's hold is touched. */
const extend = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end return 0`
const release = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0`

/**
 * Goes by locks in a Redis server, one key each, which end by themselves where their holder does. Where the server cannot
 * be asked, each replica works alone.
 */
export class RedisCoordination implements Coordination {
  private readonly client: RedisClient
  private readonly scope: Scope
  private readonly notify: Notify
  private readonly random: () => number
  private lastRefusal = ''

  constructor(config: RedisConfig, services: Pick<EngineServices, 'dialler' | 'notify' | 'world'>, scope: Scope) {
    this.scope = scope
    this.notify = services.notify
    this.random = () => services.world.random()
    this.client = new RedisClient({ address: redisAddress(config), services, scope })
  }

  async exclusively<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const name = `turnpike:fetch:${key}`
    const token = randomUUID()
    if (!(await this.acquire(name, token, signal))) return await work()
    const heartbeat = this.scope.every(HEARTBEAT_MS, () => {
      // A hold that is lost is noticed by nobody: who gets it fetches what is here too, and one of the two is kept.
      this.client.command('EVAL', extend, '1', name, token, String(HOLD_MS)).catch((error) => this.refused(error))
    })
    try {
      return await work()
    } finally {
      heartbeat.cancel()
      // Where that cannot be told any more, the hold ends by itself.
      await this.client.command('EVAL', release, '1', name, token).catch((error) => this.refused(error))
    }
  }

  /** Tells once of a server that is there and does not let us. Of one that is away the client tells. */
  private refused(error: unknown): void {
    if (!(error instanceof RespError) || this.lastRefusal === error.message) return
    this.lastRefusal = error.message
    this.notify('warn', 'Redis refuses what sharing fetches takes', { error: error.message })
  }

  /** False where the server cannot be asked. */
  private async acquire(name: string, token: string, signal: AbortSignal): Promise<boolean> {
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LAST_WAIT_MS)) {
      try {
        if ((await this.client.command('SET', name, token, 'NX', 'PX', String(HOLD_MS))) === 'OK') return true
      } catch (error) {
        this.refused(error)
        return false
      }
      await pause(this.scope, waitMs * (1 + this.random()), signal)
    }
  }
}
