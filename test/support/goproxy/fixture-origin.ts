import { TurnpikeError } from '../../../src/core/error.ts'
import type { Ask, ModuleInfo, ModuleOrigin } from '../../../src/doors/goproxy/origin/module-origin.ts'
import type { StagedFile } from '../../../src/doors/goproxy/store/staged-file.ts'
import type { ModuleFixture } from './module-fixtures.ts'

/** What is done before a question is answered: waits, throws, or changes what there is. */
export type OriginHook = (what: string, ask: Ask) => Promise<void> | void

/** An origin that has modules made in code, and remembers what it was asked: `list M`, `zip M@V`. */
export class FixtureOrigin implements ModuleOrigin {
  readonly name = 'https://origin.test'
  readonly asked: string[] = []
  readonly modules: ModuleFixture[]
  /** Branches and revisions: `M@QUERY` to the version that it is now. */
  readonly queries = new Map<string, string>()
  hook: OriginHook = () => {}
  /** How a zip is written. Default: in one piece, announced. */
  writeZip: (zip: Buffer, into: StagedFile, ask: Ask) => Promise<void> = async (zip, into) => {
    into.expected = zip.length
    await into.write(zip)
    await into.end()
  }

  constructor(modules: ModuleFixture[]) {
    this.modules = modules
  }

  /** How often that was asked. */
  times(what: string): number {
    return this.asked.filter((each) => each === what).length
  }

  async list(module: string, ask: Ask): Promise<string[]> {
    await this.hear(`list ${module}`, ask)
    const versions = this.modules.filter((each) => each.module === module).map(({ version }) => version)
    if (versions.length === 0) throw gone(module)
    return versions
  }

  async latest(module: string, ask: Ask): Promise<ModuleInfo> {
    await this.hear(`latest ${module}`, ask)
    const last = this.modules.findLast((each) => each.module === module)
    if (last === undefined) throw gone(module)
    return infoOf(last)
  }

  async info(module: string, query: string, ask: Ask): Promise<ModuleInfo> {
    await this.hear(`info ${module}@${query}`, ask)
    return infoOf(this.find(module, this.queries.get(`${module}@${query}`) ?? query))
  }

  async mod(module: string, version: string, ask: Ask): Promise<Buffer> {
    await this.hear(`mod ${module}@${version}`, ask)
    return this.find(module, version).mod
  }

  async zip(module: string, version: string, into: StagedFile, ask: Ask): Promise<void> {
    await this.hear(`zip ${module}@${version}`, ask)
    await this.writeZip(this.find(module, version).zip, into, ask)
  }

  private async hear(what: string, ask: Ask): Promise<void> {
    this.asked.push(what)
    await this.hook(what, ask)
    ask.trail.add(this.name, '200', 1)
  }

  private find(module: string, version: string): ModuleFixture {
    const found = this.modules.find((each) => each.module === module && each.version === version)
    if (found === undefined) throw gone(`${module}@${version}`)
    return found
  }
}

/** What an origin says of what does not exist. */
export function gone(what: string): TurnpikeError {
  return new TurnpikeError('ERR_MODULE_NOT_FOUND', { message: `${what}: not found` })
}

/** What an origin says when it cannot say. */
export function outage(): TurnpikeError {
  return new TurnpikeError('ERR_MODULE_UPSTREAM', { message: 'https://origin.test answered 503' })
}

function infoOf({ version, info }: ModuleFixture): ModuleInfo {
  return { version, time: null, bytes: info }
}
