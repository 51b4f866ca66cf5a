import type { World } from '../../../engine/world.ts'
import { syntheticGoMod } from '../../../gomod/go-mod-file.ts'
import { isPseudoVersion } from '../../../gomod/pseudo-version.ts'
import type { ZipLimits } from '../../../gomod/zip/zip-limits.ts'
import { latestOfList } from '../origin/latest-of-list.ts'
import type { FileSink } from '../origin/module-files.ts'
import type { ModuleInfo } from '../origin/module-origin.ts'
import type { GitRepository, Revision } from './git-repository.ts'
import { ModuleAbsence } from './module-absence.ts'
import { writeModuleZip } from './module-archive.ts'
import { revisionName, tagPrefix, type ModulePlace } from './module-place.ts'
import { findModuleRoot, type ModuleSource } from './module-root.ts'
import { isRetracted, listVersions, readRetractions } from './module-versions.ts'
import { VersionResolution } from './version-resolution.ts'

/** A module in a git repository, as the go command sees it (cmd/go/internal/modfetch, coderepo.go). Rejects with a ModuleAbsence for what is not there. */
export class ModuleRepository {
  private readonly source: ModuleSource
  private readonly limits: ZipLimits
  private readonly world: World

  constructor(place: ModulePlace, repository: GitRepository, limits: ZipLimits, world: World) {
    this.source = { place, repository, maxModBytes: limits.mod }
    this.limits = limits
    this.world = world
  }

  list(): Promise<string[]> {
    return listVersions(this.source)
  }

  /** The highest release that is not retracted, else the highest prerelease, else what HEAD is (`go list -m MODULE@latest`). */
  async latest(): Promise<ModuleInfo> {
    const versions = await this.list()
    const retractions = versions.length === 0 ? [] : await readRetractions(this.source)
    const version = latestOfList(versions.filter((each) => !isRetracted(each, retractions)).join('\n'))
    if (version !== null) return this.info(version)
    if ((await this.source.repository.refs()).hashes.get('HEAD') === undefined) throw new ModuleAbsence('no commits')
    return this.resolved(await this.source.repository.revision('HEAD'), '')
  }

  async info(query: string): Promise<ModuleInfo> {
    if (query === 'latest') return this.latest()
    return this.resolved(await this.source.repository.revision(revisionName(this.source.place, query)), query)
  }

  async mod(version: string): Promise<Buffer> {
    await this.check(version)
    const { goMod } = await findModuleRoot(this.source, version)
    return goMod ?? Buffer.from(syntheticGoMod(this.source.place.module))
  }

  async zip(version: string, into: FileSink): Promise<void> {
    await this.check(version)
    await writeModuleZip(this.source, version, into, { limits: this.limits, world: this.world })
  }

  /** A tag is what it is; what a pseudo-version says of its commit has to be so. */
  private async check(version: string): Promise<void> {
    if (isPseudoVersion(version)) await this.info(version)
  }

  private async resolved(revision: Revision, asked: string): Promise<ModuleInfo> {
    const version = await new VersionResolution(this.source, revision, asked).version()
    const time = new Date(revision.timeS * 1000).toISOString().replace('.000Z', 'Z')
    return { version, time, bytes: this.infoBytes(version, time, revision.hash) }
  }

  /** As the go command keeps it: of a pseudo-version, the hash says all (cmd/go/internal/modfetch, writeDiskStat). */
  private infoBytes(version: string, time: string, hash: string): Buffer {
    const { place, repository } = this.source
    const tag = tagPrefix(place) + version.replace(/\+incompatible$/, '')
    const origin = {
      VCS: 'git',
      URL: repository.url,
      ...(place.folder !== '' && { Subdir: place.folder }),
      Hash: hash,
      ...(!isPseudoVersion(version) && { Ref: `refs/tags/${tag}` }),
    }
    // Go's encoder escapes what HTML would read.
    const json = JSON.stringify({ Version: version, Time: time, Origin: origin })
    return Buffer.from(json.replaceAll(/[<>&]/g, (each) => `\\u00${each.charCodeAt(0).toString(16)}`))
  }
}
