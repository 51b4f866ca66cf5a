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

  constructor(
    { name, url }: NonNullable<GoproxyConfig['sumdb']>,
    links: readonly ChainLink[],
    files: (url: URL) => ModuleFiles,
    world: Pick<World, 'now'>,
  ) {
    this.name = name
    this.links = links
    this.world = world
    this.fixed = url !== undefined
    this.database = { files: files(new URL(url ?? `https://${name}`)), prefix: '' }
  }

  async read(path: string, signal: AbortSignal): Promise<Buffer> {
    try {
      const { files, prefix } = await this.way(signal)
      return await files.read(prefix + path, MAX_BYTES, signal)
    } catch (thrown) {
      const error = TurnpikeError.from(thrown, 'body')
      if (error.code === 'ERR_MODULE_NOT_FOUND') throw error
      this.chosen = null
      if (error.code !== 'ERR_MODULE_UPSTREAM') throw error
      throw new TurnpikeError('ERR_SUMDB_UNAVAILABLE', { message: error.message, status: error.status, cause: error })
    }
  }

  private async way(signal: AbortSignal): Promise<Way> {
    if (this.fixed) return this.database
    const now = this.world.now()
    if (this.chosen !== null && now < this.chosen.untilMs) return this.chosen.way
    const way = await this.choose(signal)
    this.chosen = { way, untilMs: now + KEPT_MS }
    return way
  }

  /** As the go command does (cmd/go/internal/modfetch initBase): `direct`, and no one left, mean the database itself. */
  private async choose(signal: AbortSignal): Promise<Way> {
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
