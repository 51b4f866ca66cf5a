import { TurnpikeError } from '../../../core/error.ts'
import { Headers } from '../../../core/headers.ts'
import type { Exchange, Reply } from '../../../engine/exchange.ts'
import type { World } from '../../../engine/world.ts'
import { ModulePatterns } from '../../../gomod/module-pattern.ts'
import type { GoproxyConfig } from '../config.ts'
import type { ModuleLibrary } from '../library/module-library.ts'
import type { ModuleStore } from '../store/module-store.ts'
import { receiveBody } from './receive-body.ts'

/** Clocks of machines that build differ by less. */
const AHEAD_MS = 24 * 3_600_000

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/

/** What publishing works with. */
export interface PublishingParts {
  config: Pick<GoproxyConfig, 'publish' | 'limits'>
  library: Pick<ModuleLibrary, 'publish'>
  store: Pick<ModuleStore, 'create' | 'get'>
  policy: { isPrivate(module: string): boolean }
  world: Pick<World, 'wallClock'>
}

/** What is published: a version, with its zip as the body. */
export interface Publication {
  module: string
  version: string
  exchange: Exchange
  /** Aborted when the client is gone. */
  signal: AbortSignal
}

/**
 * Takes versions of private modules in: `PUT /MODULE/@v/VERSION.zip`, from the users that the config names. A version
 * never changes: the same contents again are answered 200, other ones 409.
 */
export class Publishing {
  private readonly parts: PublishingParts
  private readonly modules: ModulePatterns
  private readonly users: ReadonlySet<string>

  constructor(parts: PublishingParts) {
    this.parts = parts
    const { publish } = parts.config
    this.modules = new ModulePatterns(publish?.modules ?? [])
    this.users = new Set(publish?.users)
  }

  /**
   * Rejects with ERR_METHOD_NOT_ALLOWED where publishing is off, ERR_MODULE_DENIED where this user must not, or the
   * module is none of those that may be; ERR_MODULE_INVALID, ERR_MODULE_CONFLICT and ERR_BODY_TOO_LARGE for what came.
   */
  async take({ module, version, exchange, signal }: Publication): Promise<Reply> {
    const { config, library, store } = this.parts
    this.checkAllowed(module, exchange.user)
    const info = Buffer.from(JSON.stringify({ Version: version, Time: this.timeOf(exchange) }))
    const zip = await store.create()
    try {
      await receiveBody(exchange, zip, config.limits.zip, signal)
      const isNew = await library.publish({ module, version, info, zip }, signal)
      const kept = await store.get(module, version)
      const facts = { Path: module, Version: version, Sum: kept?.zip?.h1, GoModSum: kept?.modH1 }
      return jsonReply(isNew ? 201 : 200, facts)
    } finally {
      await zip.discard()
    }
  }

  private checkAllowed(module: string, user: string): void {
    if (this.parts.config.publish === null) {
      throw new TurnpikeError('ERR_METHOD_NOT_ALLOWED', { allow: 'GET, HEAD', message: 'Publishing is off here.' })
    }
    if (!this.users.has(user)) throw denied('You are none of those who may publish here.')
    if (!this.modules.matches(module)) throw denied(`${module} is none of the modules that may be published here.`)
    // A public module has its place, and a checksum database that would call this one a forgery.
    if (!this.parts.policy.isPrivate(module))
      throw denied(`${module} is not private here, so it is not published here.`)
  }

  /** When the version was made, RFC 3339: the publisher says so by `Module-Time`, else it is now. */
  private timeOf({ headers }: Exchange): string {
    const now = this.parts.world.wallClock()
    const said = headers.get('module-time')
    const time = said === undefined ? now : rfc3339.test(said) ? Date.parse(said) : Number.NaN
    if (Number.isNaN(time)) {
      throw new TurnpikeError('ERR_MODULE_INVALID', { message: 'Module-Time is no time such as 2026-02-03T04:05:06Z.' })
    }
    if (time > now + AHEAD_MS)
      throw new TurnpikeError('ERR_MODULE_INVALID', { message: 'Module-Time is in the future.' })
    // As git and so the go command have it: whole seconds.
    return `${new Date(time).toISOString().slice(0, 19)}Z`
  }
}

function denied(message: string): TurnpikeError {
  return new TurnpikeError('ERR_MODULE_DENIED', { message })
}

function jsonReply(status: number, facts: object): Reply {
  const headers = Headers.from([
    ['Content-Type', 'application/json'],
    ['Cache-Control', 'no-store'],
  ])
  return { status, headers, body: { kind: 'bytes', bytes: Buffer.from(`${JSON.stringify(facts)}\n`) } }
}
