import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { escapePath, unescapePath } from '../../../../gomod/module-path.ts'
import { escapeVersion, unescapeVersion } from '../../../../gomod/version.ts'
import { storeError } from '../store-error.ts'
import { ifThere } from './durable.ts'

/** The file whose coming commits a version. */
export const MANIFEST = 'turnpike'
/** All that may lie there for a version; the manifest is the first to go, and the last to come. */
export const versionFiles = [MANIFEST, 'pinned', 'info', 'mod', 'zip', 'ziphash'] as const

export type VersionFile = (typeof versionFiles)[number]

/**
 * Where things are. Versions lie as in the go command's own module cache, so that `cache/download` can be served as it
 * is, by `file://` or any web server.
 */
export class StoreFolder {
  readonly downloads: string
  readonly documents: string
  readonly locks: string
  readonly staging: string

  constructor(path: string) {
    this.downloads = join(path, 'cache', 'download')
    this.documents = join(path, 'documents')
    this.locks = join(path, 'locks')
    this.staging = join(path, 'staging')
  }

  /** The folder of a module's versions. */
  versions(module: string): string {
    const escaped = escapePath(module)
    if (escaped === null) throw storeError(`has no place for the module ${JSON.stringify(module)}`)
    return join(this.downloads, escaped, '@v')
  }

  file(module: string, version: string, file: VersionFile): string {
    const escaped = escapeVersion(version)
    if (escaped === null) throw storeError(`has no place for the version ${JSON.stringify(version)}`)
    return join(this.versions(module), `${escaped}.${file}`)
  }

  /** Every module that has a folder of versions, its own folders before those below it. */
  async *modules(): AsyncGenerator<string> {
    yield* this.modulesBelow('')
  }

  private async *modulesBelow(path: string): AsyncGenerator<string> {
    const entries = (await ifThere(readdir(join(this.downloads, path), { withFileTypes: true }))) ?? []
    for (const entry of entries) {
      if (!entry.isDirectory()) continue
      const module = entry.name === '@v' ? unescapePath(path) : null
      if (module !== null) yield module
      else yield* this.modulesBelow(path === '' ? entry.name : `${path}/${entry.name}`)
    }
  }
}

/** The version and which file of it, or null for a name that is not of a store. */
export function splitFileName(name: string): { version: string; file: VersionFile } | null {
  const file = versionFiles.find((each) => name.endsWith(`.${each}`))
  if (file === undefined) return null
  const version = unescapeVersion(name.slice(0, -file.length - 1))
  return version === null ? null : { version, file }
}
