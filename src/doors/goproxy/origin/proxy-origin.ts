import { TurnpikeError } from '../../../core/error.ts'
import { escapePath, splitPathVersion } from '../../../gomod/module-path.ts'
import { isPseudoVersion } from '../../../gomod/pseudo-version.ts'
import { checkPathMajor, escapeVersion, isCanonical } from '../../../gomod/version.ts'
import type { GoproxyConfig } from '../config.ts'
import { readInfo } from './info-file.ts'
import { latestOfList } from './latest-of-list.ts'
import { contentError } from './member-error.ts'
import type { FileSink, ModuleFiles } from './module-files.ts'
import type { Ask, ModuleInfo, ModuleOrigin } from './module-origin.ts'

/** Thousands of versions fit many times over. */
const MAX_LIST_BYTES = 8 * 1024 * 1024
const MAX_INFO_BYTES = 1024 * 1024

/** A member of the chain that speaks the GOPROXY protocol, over http or from a folder. */
export class ProxyOrigin implements ModuleOrigin {
  readonly name: string
  readonly files: ModuleFiles
  private readonly limits: Pick<GoproxyConfig['limits'], 'zip' | 'mod'>

  constructor(files: ModuleFiles, limits: Pick<GoproxyConfig['limits'], 'zip' | 'mod'>) {
    this.name = files.name
    this.files = files
    this.limits = limits
  }

  async list(module: string, { signal }: Ask): Promise<string[]> {
    const { pathMajor = '' } = splitPathVersion(module) ?? {}
    const lines = (await this.listFile(module, signal)).split('\n')
    // As the go command reads it: the first field of a line, and no pseudo-versions. Only what is a version of this
    // path, since one other line breaks `go list -m -versions` (G11).
    const versions = lines.map((line) => line.trim().split(/\s+/, 1)[0]!).filter(isCanonical)
    return versions.filter((version) => !isPseudoVersion(version) && checkPathMajor(version, pathMajor) === null)
  }

  async latest(module: string, ask: Ask): Promise<ModuleInfo> {
    try {
      return this.checkedInfo(module, await this.files.read(`/${escaped(module)}/@latest`, MAX_INFO_BYTES, ask.signal))
    } catch (error) {
      // G12: optional.
      if (!(error instanceof TurnpikeError) || error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    }
    const version = latestOfList(await this.listFile(module, ask.signal))
    if (version === null)
      throw new TurnpikeError('ERR_MODULE_NOT_FOUND', { message: `${this.name} has no version of ${module}.` })
    return await this.info(module, version, ask)
  }

  async info(module: string, query: string, { signal }: Ask): Promise<ModuleInfo> {
    const path = this.versionPath(module, query, 'info')
    const info = this.checkedInfo(module, await this.files.read(path, MAX_INFO_BYTES, signal))
    // G13
    if (isCanonical(query) && info.version !== query)
      throw contentError(this.name, `answered ${module}@${query} with the .info of ${info.version}.`)
    return info
  }

  async mod(module: string, version: string, { signal }: Ask): Promise<Buffer> {
    return await this.files.read(this.versionPath(module, version, 'mod'), this.limits.mod, signal)
  }

  async zip(module: string, version: string, into: FileSink, { signal }: Ask): Promise<void> {
    await this.files.copy(this.versionPath(module, version, 'zip'), into, this.limits.zip, signal)
  }

  private async listFile(module: string, signal: AbortSignal): Promise<string> {
    const bytes = await this.files.read(`/${escaped(module)}/@v/list`, MAX_LIST_BYTES, signal)
    return bytes.toString()
  }

  private checkedInfo(module: string, bytes: Buffer): ModuleInfo {
    const info = readInfo(bytes)
    const { pathMajor = '' } = splitPathVersion(module) ?? {}
    if (info === null || checkPathMajor(info.version, pathMajor) !== null)
      throw contentError(this.name, `answered with what is no .info of ${module}.`)
    return info
  }

  /** A branch such as `feature/x` has no file, so a proxy cannot be asked for it; another member may know it (G13). */
  private versionPath(module: string, query: string, extension: string): string {
    const version = escapeVersion(query)
    if (version !== null) return `/${escaped(module)}/@v/${version}.${extension}`
    const message = `${module}@${query}: a module proxy cannot be asked for this version.`
    throw new TurnpikeError('ERR_MODULE_NOT_FOUND', { message })
  }
}

function escaped(module: string): string {
  const path = escapePath(module)
  if (path === null) throw new TurnpikeError('ERR_MODULE_PATH', { message: `${module} is no module path.` })
  return path
}
