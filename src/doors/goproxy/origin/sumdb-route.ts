import { TurnpikeError } from '../../../core/error.ts'
import type { World } from '../../../engine/world.ts'
import type { GoproxyConfig } from '../config.ts'
import type { ChainLink } from './chain-link.ts'
import type { ModuleFiles } from './module-files.ts'
import { Trail } from './trail.ts'
import { walkChain } from './walk-chain.ts'

/** For how long a way that worked is not chosen anew. */
const KEPT_MS = 10 * 60_000
/** A full tile of records is some 100 KiB. */
const MAX_BYTES = 8 * 1024 * 1024

interface Way {
  files: ModuleFiles
  /** What stands before the database's own paths. */
  prefix: string
}

/** Finds who is asked for the checksum database: a member that mirrors it, or the database itself. */
export class SumdbRoute {
  private readonly name: string
  private readonly links: readonly ChainLink[]
  private readonly world: Pick<World, 'now'>
  private readonly database: Way
  /** A config that says where the database is means it. */
  private readonly fixed: boolean
  private chosen: { way: Way; untilMs: number } | null = null
  /** One choice for all that wait for it. */
  private choosing: Promise<Way> | null = null
  private readonly closing: AbortSignal

  constructor(
    { name, url }: NonNullable<GoproxyConfig['sumdb']>,
    links: readonly ChainLink[],
    files: (url: URL) => ModuleFiles,
    world: Pick<World, 'now'>,
    closing: AbortSignal,
  ) {
    this.name = name
    this.links = links
    this.world = world
    this.closing = closing
    this.fixed = url !== undefined
    this.database = { files: files(new URL(url ?? `https://${name}`)), prefix: '' }
  }

  async read(path: string, signal: AbortSignal): Promise<Buffer> {
    try {
      const { files, prefix } = await this.way()
      return await files.read(prefix + path, MAX_BYTES, signal)
    } catch (thrown) {
      const error = TurnpikeError.from(thrown, 'body')
      if (error.code !== 'ERR_MODULE_UPSTREAM') throw error
      this.chosen = null
      throw new TurnpikeError('ERR_SUMDB_UNAVAILABLE', { message: error.message, status: error.status, cause: error })
    }
  }

  private async way(): Promise<Way> {
    if (this.fixed) return this.database
    const { chosen, world } = this
    if (chosen !== null && world.now() < chosen.untilMs) return chosen.way
    this.choosing ??= this.choose().finally(() => (this.choosing = null))
    const way = await this.choosing
    this.chosen = { way, untilMs: world.now() + KEPT_MS }
    return way
  }

  /** As the go command does (cmd/go/internal/modfetch initBase): `direct`, and no one left, mean the database itself. */
  private async choose(): Promise<Way> {
    const signal = this.closing
    const prefix = `/sumdb/${this.name}`
    try {
      return await walkChain(this.links, { signal, trail: new Trail() }, this.world, async ({ name, proxy }) => {
        if (name === 'off') throw new TurnpikeError('ERR_MODULE_NOT_FOUND')
        if (proxy === null) return this.database
        await proxy.files.read(`${prefix}/supported`, MAX_BYTES, signal)
        return { files: proxy.files, prefix }
      })
    } catch (error) {
      if (error instanceof TurnpikeError && error.code === 'ERR_MODULE_NOT_FOUND') return this.database
      throw error
    }
  }
}
