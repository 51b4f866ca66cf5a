import { open, stat } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { buildModuleZip } from '../../../gomod/zip/build-zip.ts'
import { checkModuleZip } from '../../../gomod/zip/check-zip.ts'
import { goZipLimits } from '../../../gomod/zip/zip-limits.ts'
import { Direct, type DirectParts } from '../direct/direct.ts'
import type { FileSink } from '../origin/module-files.ts'
import { Trail } from '../origin/trail.ts'
import { folderFiles } from './folder-files.ts'
import type { ModuleOnDisk } from './module-place-on-disk.ts'

/** A version that is ready to be sent. */
export interface PreparedModule {
  module: string
  version: string
  zipFile: string
  /** Bytes of the zip. */
  size: number
  h1: string
  /** RFC 3339: the commit's; null for a folder as it is. */
  time: string | null
}

/** What git is run with; none of its fields leads to another machine. */
type Parts = Pick<DirectParts, 'http' | 'guard' | 'services' | 'scope'>

/**
 * Makes the zip of a version from the tag of that version, as `go mod download` would from the repository. Rejects with
 * ERR_MODULE_NOT_FOUND where there is no such tag, or the module is not there.
 */
export async function prepareFromTag(
  { module, repository }: ModuleOnDisk & { repository: NonNullable<ModuleOnDisk['repository']> },
  version: string,
  zipFile: string,
  parts: Parts,
): Promise<PreparedModule> {
  const { zip, mod } = goZipLimits
  const direct = new Direct({
    ...parts,
    parents: null,
    config: {
      repositories: { [repository.root]: pathToFileURL(repository.folder).href },
      insecure: [],
      credentials: [],
      netrc: undefined,
      limits: { perClient: undefined, concurrentPerClient: 1, concurrentFetches: 1, zip, mod },
    },
    folder: null,
  })
  const ask = { signal: parts.scope.signal, trail: new Trail() }
  const { time } = await direct.info(module, version, ask)
  await writing(zipFile, (into) => direct.zip(module, version, into, ask))
  return checked({ module, version, zipFile, time })
}

/** The same from a folder as it is, whether its files are committed or not. Rejects with a ModuleZipError. */
export async function prepareFromFolder(
  { module, folder }: ModuleOnDisk,
  version: string,
  zipFile: string,
): Promise<PreparedModule> {
  const files = await folderFiles(folder)
  await writing(zipFile, (into) => buildModuleZip({ module, version, files }, (bytes) => into.write(bytes)))
  return checked({ module, version, zipFile, time: null })
}

async function writing(path: string, work: (into: FileSink) => Promise<unknown>): Promise<void> {
  await using file = await open(path, 'wx', 0o600)
  await work({
    expected: -1,
    write: (bytes) => file.appendFile(bytes),
    end: () => Promise.resolve(),
  })
}

/** As whoever receives it will check it. */
async function checked(made: Omit<PreparedModule, 'size' | 'h1'>): Promise<PreparedModule> {
  await using file = await open(made.zipFile)
  const { size } = await stat(made.zipFile)
  const read = async (into: Buffer, position: number): Promise<number> =>
    (await file.read(into, 0, into.length, position)).bytesRead
  const { h1 } = await checkModuleZip({ size, read }, made.module, made.version)
  return { ...made, size, h1 }
}
