import { TurnpikeError } from '../../../core/error.ts'
import type { FileBodies } from '../../../engine/file-body.ts'
import type { World } from '../../../engine/world.ts'
import type { Answer, CacheState, ZipAnswer } from '../library/answer.ts'
import type { ModuleServices } from '../module-services.ts'
import type { ModuleRequest } from '../request/module-request.ts'
import type { RequestRun } from '../request/request-run.ts'
import { PreparedReply, type ReplyParts } from './prepared-reply.ts'
import type { WarmReplies } from './warm-replies.ts'
import { sendZip } from './zip-reply.ts'

/** Zips up to this size are read whole, and kept with the other warm replies. */
const SMALL_ZIP_BYTES = 64 * 1024
const YEAR_S = 31_536_000

const text = 'text/plain; charset=utf-8'
const json = 'application/json'

export interface ModuleAnswersParts {
  modules: Pick<ModuleServices, 'library' | 'databases' | 'downloads' | 'index' | 'catalogue'>
  world: Pick<World, 'now'>
  warm: WarmReplies
  files: FileBodies
  /** Whether caches behind this proxy may show a module's files to others. */
  isPublic: (module: string) => boolean
}

/** Answers requests for module files, from the library, and prepares what comes again. */
export class ModuleAnswers {
  private readonly parts: ModuleAnswersParts

  constructor(parts: ModuleAnswersParts) {
    this.parts = parts
  }

  /** Sends the answer. `key`: what the same reply is found by next time, null where it is not to be kept. Rejects with a TurnpikeError. */
  async answer(request: ModuleRequest, run: RequestRun, route: string, key: string | null): Promise<void> {
    const { library, downloads, index, catalogue } = this.parts.modules
    const { ask } = run
    const kept: Keeping = { key, route, module: '', version: '' }
    switch (request.kind) {
      case 'list':
      case 'latest': {
        const { module } = request
        const answer = await library[request.kind](module, ask)
        // What is kept alone is not all that there is.
        const keeping = { ...kept, module, key: ask.fetch ? key : null }
        return this.send(run, answer, request.kind === 'list' ? text : json, keeping)
      }
      case 'info':
      case 'mod': {
        const { module, version } = request
        const answer = await library[request.kind](module, version, ask)
        return this.send(run, answer, request.kind === 'mod' ? text : json, { ...kept, module, version })
      }
      case 'zip': {
        const { module, version } = request
        const zip = await library.zip(module, version, ask)
        downloads.count(run.exchange, request)
        return await this.sendZip(run, zip, { ...kept, module, version })
      }
      case 'sumdb':
        return await this.sendSumdb(run, request.path, kept)
      case 'index':
        return this.sendListing(run, await index.serve(request.query), 'application/x-ndjson')
      case 'catalog':
        return this.sendListing(run, await catalogue.serve(request.query, ask.signal), json)
    }
  }

  private send(run: RequestRun, answer: Answer, type: string, keeping: Keeping): void {
    const { bytes, modifiedMs, freshUntilMs, cache } = answer
    const cacheControl = this.cacheControl(keeping.module, freshUntilMs)
    this.sendPrepared(run, { bytes, type, cacheControl, modifiedMs, ranges: false }, cache, keeping, freshUntilMs)
  }

  private async sendZip(run: RequestRun, zip: ZipAnswer, keeping: Keeping): Promise<void> {
    const cacheControl = this.cacheControl(keeping.module, Infinity)
    if (zip.kind === 'staged' || zip.file.size > SMALL_ZIP_BYTES)
      return await sendZip(run, zip, cacheControl, this.parts.files)
    const bytes = await readWhole(zip)
    const parts = { bytes, type: 'application/zip', cacheControl, modifiedMs: zip.modifiedMs, ranges: true }
    this.sendPrepared(run, parts, zip.cache, keeping, Infinity)
  }

  private async sendSumdb(run: RequestRun, path: string, keeping: Keeping): Promise<void> {
    const { modules, world } = this.parts
    const { bytes, type, freshMs, namesPrivate } = await modules.databases.serve(path, run.ask.signal)
    const freshUntilMs = world.now() + freshMs
    const cacheControl = this.cacheControl(namesPrivate ? null : path, freshUntilMs)
    this.sendPrepared(run, { bytes, type, cacheControl, modifiedMs: null, ranges: false }, null, keeping, freshUntilMs)
  }

  /** What names private modules too, and changes with every version. */
  private sendListing(run: RequestRun, bytes: Buffer, type: string): void {
    const parts = { bytes, type, cacheControl: 'private, no-cache', modifiedMs: null, ranges: false }
    this.sendPrepared(run, parts, null, { key: null, route: '', module: '', version: '' }, 0)
  }

  private sendPrepared(
    run: RequestRun,
    parts: ReplyParts,
    cache: CacheState | null,
    { key, ...what }: Keeping,
    freshUntilMs: number,
  ): void {
    const reply = new PreparedReply(parts)
    if (key !== null) this.parts.warm.keep(key, { reply, ...what }, freshUntilMs)
    run.finish()
    if (!run.gone) reply.send(run.exchange, cache)
  }

  /** `module`: null for what names private ones. */
  private cacheControl(module: string | null, freshUntilMs: number): string {
    const scope = module !== null && this.parts.isPublic(module) ? 'public' : 'private'
    if (freshUntilMs === Infinity) return `${scope}, max-age=${YEAR_S}, immutable`
    return `${scope}, max-age=${Math.max(0, Math.floor((freshUntilMs - this.parts.world.now()) / 1000))}`
  }
}

interface Keeping {
  key: string | null
  route: string
  module: string
  version: string
}

async function readWhole(zip: Extract<ZipAnswer, { kind: 'stored' }>): Promise<Buffer> {
  try {
    const bytes = Buffer.allocUnsafeSlow(zip.file.size)
    for (let at = 0; at < bytes.length;) {
      const count = await zip.file.read(bytes.subarray(at), at)
      if (count === 0) throw new TurnpikeError('ERR_MODULE_STORE', { message: 'A zip of the store is too short.' })
      at += count
    }
    return bytes
  } finally {
    await zip.close()
  }
}
