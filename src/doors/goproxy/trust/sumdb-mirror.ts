import { TurnpikeError } from '../../../core/error.ts'
import type { Scope } from '../../../engine/scope.ts'
import type { EngineServices } from '../../../engine/services.ts'
import { formatRecord, parseDataTile, type SumRecord } from '../../../gomod/sumdb/sum-record.ts'
import { SumdbClient } from '../../../gomod/sumdb/sumdb-client.ts'
import { SumdbError } from '../../../gomod/sumdb/sumdb-error.ts'
import { TILE_WIDTH, type Tile } from '../../../gomod/sumdb/tile.ts'
import type { GoproxyConfig } from '../config.ts'
import { Negatives } from '../library/negatives.ts'
import { saysCode } from '../library/says.ts'
import { SingleFlight } from '../library/single-flight.ts'
import { StoreTrouble } from '../library/store-trouble.ts'
import { Trail } from '../origin/trail.ts'
import type { DocumentStore } from '../store/document-store.ts'
import { checkHash, type HashOf } from './check-hash.ts'
import { HeadTimes } from './head-times.ts'
import type { ModuleTrust, Verdict } from './module-trust.ts'
import { textAnswer, tileAnswer, type ServedSumdb, type SumdbAnswer } from './sumdb-answer.ts'
import { SumdbCache } from './sumdb-cache.ts'
import { lookupKey, readSumdbPath } from './sumdb-path.ts'
import { SumdbRemote, type AskSumdb } from './sumdb-remote.ts'
import { checksumDatabaseKey, documentPrefix } from './verifier-keys.ts'

/** For all requests that one lookup takes. */
const LOOKUP_MS = 60_000
/** Between two looks at how far it has come, for the cooldown. */
const HEAD_EVERY_MS = 3_600_000
/** Between two questions for a newer head that requests for tiles beyond the known one make. */
const ASK_AGAIN_MS = 1000

/** What a mirror is built of. */
export interface SumdbMirrorParts {
  config: { sumdb: NonNullable<GoproxyConfig['sumdb']> } & Pick<GoproxyConfig, 'cooldown' | 'freshness' | 'offline'>
  services: Pick<EngineServices, 'world' | 'notify'>
  scope: Scope
  documents: DocumentStore
  /** Modules that no checksum database is asked of: it would learn their names. */
  isPrivate: (module: string) => boolean
  remote: AskSumdb
}

/**
 * A checksum database that is asked, believed only as far as it proves what it says, kept, and served again (G24 to
 * G26). What is kept is served while the database cannot be asked.
 */
export class SumdbMirror implements ModuleTrust, ServedSumdb {
  readonly name: string
  readonly namesPrivate = false
  private readonly parts: SumdbMirrorParts
  private readonly verifierKey: string
  private readonly cache: SumdbCache
  private readonly headTimes: HeadTimes
  private readonly client: SumdbClient
  private readonly lookups: SingleFlight<SumRecord>
  private readonly refreshes: SingleFlight<void>
  private readonly negatives: Negatives
  private askedAtMs = -Infinity
  private hasLookedUp = false
  private lastTold = ''

  /** Throws ERR_CONFIG_INVALID where the key is not one, or of another name. */
  constructor(parts: SumdbMirrorParts) {
    const { config, documents, scope, services } = parts
    this.parts = parts
    this.name = config.sumdb.name
    this.verifierKey = checksumDatabaseKey(config.sumdb)
    const prefix = documentPrefix(this.verifierKey)
    const trouble = new StoreTrouble(services.notify)
    this.cache = new SumdbCache(documents, prefix, trouble)
    this.headTimes = new HeadTimes(services.world, documents, `${prefix}/head-times`, trouble)
    const remote = new SumdbRemote(this.name, parts.remote, config.offline, scope.signal)
    this.client = new SumdbClient(this.verifierKey, {
      remote: (path) => remote.ask(path),
      readCache: (name) => this.cache.readCache(name),
      writeCache: (name, bytes) => this.cache.writeCache(name, bytes),
      readLatest: () => this.cache.readLatest(),
      writeLatest: (old, latest) => this.cache.writeLatest(old, latest),
    })
    this.lookups = new SingleFlight(scope, LOOKUP_MS)
    this.refreshes = new SingleFlight(scope, LOOKUP_MS)
    this.negatives = new Negatives(services.world, config.freshness.notFound)
    // So that ages are known of what nobody has asked for yet.
    if (config.cooldown > 0 && !config.offline) scope.every(HEAD_EVERY_MS, () => this.seeHead())
  }

  checkMod(module: string, version: string, h1: string, signal: AbortSignal): Promise<Verdict> {
    return this.check(module, version, 'mod', h1, signal)
  }

  checkZip(module: string, version: string, h1: string, signal: AbortSignal): Promise<Verdict> {
    return this.check(module, version, 'zip', h1, signal)
  }

  /**
   * Since when the database has a version, as far as this mirror saw it: ms since 1970. Infinity where that is not
   * known, or it cannot be asked.
   */
  async firstSeen(module: string, version: string, signal: AbortSignal): Promise<number> {
    if (this.parts.isPrivate(module)) return Infinity
    try {
      const { id } = await this.lookup(module, version, signal)
      return await this.headTimes.timeOf(id)
    } catch {
      signal.throwIfAborted()
      return Infinity
    }
  }

  async serve(path: string, signal: AbortSignal): Promise<SumdbAnswer> {
    const { freshness } = this.parts.config
    const asked = readSumdbPath(path)
    switch (asked.kind) {
      case 'supported':
        await this.believe(() => this.checkWorks(signal))
        return textAnswer('', freshness.latest)
      case 'latest':
        return textAnswer(await this.believe(() => this.newestHead(signal)), freshness.latest)
      case 'lookup':
        return textAnswer(await this.answerLookup(asked.module, asked.version, signal), freshness.latest)
      case 'key':
        return textAnswer(`${this.verifierKey}\n`, freshness.latest)
      case 'tile':
    }
    return this.answerTile(asked.tile, signal)
  }

  private async check(module: string, version: string, of: HashOf, h1: string, signal: AbortSignal): Promise<Verdict> {
    if (this.parts.isPrivate(module)) return 'private'
    if (!this.parts.config.sumdb.verify) return 'off'
    const record = await this.lookup(module, version, signal)
    checkHash(this.name, record.text, module, version, of, h1)
    return 'verified'
  }

  private async lookup(module: string, version: string, signal: AbortSignal): Promise<SumRecord> {
    const key = lookupKey(module, version)
    const remembered = this.client.remembered(key)
    if (remembered !== undefined) return remembered
    this.negatives.check(key)
    return this.lookups.join(key, { signal, trail: new Trail() }, async () => {
      try {
        const record = await this.believe(() => this.client.lookup(key))
        this.hasLookedUp = true
        await this.headTimes.see((await this.client.head())!.size)
        return record
      } catch (error) {
        this.negatives.learn(key, error)
        throw error
      }
    })
  }

  /** The record, and the newest head in place of the older one that it may have come with: both are proved. */
  private async answerLookup(module: string, version: string, signal: AbortSignal): Promise<Buffer> {
    if (this.parts.isPrivate(module)) {
      throw new TurnpikeError('ERR_MODULE_NOT_FOUND', {
        message: `${module} is private here, and ${this.name} is not asked about it: set GONOSUMDB or GOPRIVATE.`,
      })
    }
    const record = await this.lookup(module, version, signal)
    const head = await this.client.head()
    return Buffer.concat([Buffer.from(formatRecord(record)), head!.note])
  }

  private async answerTile(tile: Tile, signal: AbortSignal): Promise<SumdbAnswer> {
    return this.believe(async () => {
      const bytes = (await this.client.tile(tile)) ?? (await this.tileOfNewer(tile, signal))
      if (bytes !== null) return tileAnswer(tile, bytes)
      throw new TurnpikeError('ERR_MODULE_NOT_FOUND', { message: `The newest tree of ${this.name} has no such tile.` })
    })
  }

  /** The client may have a newer head than this mirror: from another replica, or from elsewhere. */
  private async tileOfNewer(tile: Tile, signal: AbortSignal): Promise<Buffer | null> {
    await this.client.catchUp()
    const bytes = await this.client.tile(tile)
    const mayAsk = this.parts.services.world.now() - this.askedAtMs >= ASK_AGAIN_MS
    if (bytes !== null || !mayAsk || this.parts.config.offline) return bytes
    await this.refresh(signal)
    return this.client.tile(tile)
  }

  /** The newest head, as fresh as the config wants it; the kept one while nobody can be asked. */
  private async newestHead(signal: AbortSignal): Promise<Buffer> {
    const { config, services } = this.parts
    const isFresh = services.world.now() - this.askedAtMs < config.freshness.latest
    const kept = await this.client.head()
    if (kept !== null && (isFresh || config.offline)) return kept.note
    try {
      await this.refresh(signal)
    } catch (error) {
      if (kept === null || !saysCode(error, 'ERR_SUMDB_UNAVAILABLE')) throw error
    }
    return (await this.client.head())!.note
  }

  private async refresh(signal: AbortSignal): Promise<void> {
    await this.refreshes.join('latest', { signal, trail: new Trail() }, async () => {
      this.askedAtMs = this.parts.services.world.now()
      await this.client.refresh()
      await this.headTimes.see((await this.client.head())!.size)
    })
  }

  private seeHead(): void {
    this.parts.scope.task(async (signal) => {
      try {
        await this.believe(() => this.refresh(signal))
      } catch {
        // Told where it cannot be believed; where it cannot be asked, the next hour is as good.
      }
    })
  }

  /** G24: never 200 unless lookups and tiles work, or there are some that are kept. */
  private async checkWorks(signal: AbortSignal): Promise<void> {
    // Its tiles are read with a new head.
    await this.newestHead(signal)
    this.hasLookedUp ||= await this.cache.hasRecords()
    if (this.hasLookedUp) return
    const { size } = (await this.client.head())!
    if (size === 0) return
    const records = await this.client.tile({ level: 'data', index: 0, width: Math.min(size, TILE_WIDTH) })
    const [module = '', version = ''] = parseDataTile(records!)[0]!.split(' ')
    await this.lookup(module, version.replace(/\/go\.mod$/, ''), signal)
  }

  /** What cannot be believed is an answer to the client, and a warning to the operator. */
  private async believe<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof SumdbError)) throw error
      if (error.message !== this.lastTold) {
        this.lastTold = error.message
        const proof = error.proof === null ? {} : { proof: error.proof }
        const fields = { database: this.name, error: error.message, ...proof }
        this.parts.services.notify('warn', 'a checksum database cannot be believed', fields)
      }
      throw new TurnpikeError('ERR_SUMDB_INVALID', { message: `${this.name}: ${error.message}.`, cause: error })
    }
  }
}
