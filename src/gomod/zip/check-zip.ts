import { dirHash1, goModH1, type HashedFile } from '../hash1.ts'
import { checkFilePath, checkModulePath, splitPathVersion } from '../module-path.ts'
import { canonicalVersion, checkPathMajor } from '../version.ts'
import { foldName } from './fold-name.ts'
import { ModuleZipError } from './module-zip-error.ts'
import { NameCollisions } from './name-collisions.ts'
import type { RandomAccess } from './random-access.ts'
import { readEntry } from './read-entry.ts'
import { ReadWindow } from './read-window.ts'
import { noRest, type Rest } from './rest.ts'
import { readZipDirectory, type ZipEntry } from './zip-directory.ts'
import { goZipLimits, LICENSE_LIMIT, type ZipLimits } from './zip-limits.ts'

/** What a good module zip has in it. */
export interface CheckedZip {
  /** `h1:…` of its contents (G23). */
  h1: string
  /** `h1:…` of its go.mod; null where it has none. */
  modH1: string | null
  /** Its go.mod; null where it has none. */
  mod: Buffer | null
  files: number
  /** Bytes, inflated. */
  contentBytes: number
}

const FILE = 0x8000
const DIRECTORY = 0x4000

/**
 * Reads a whole module zip and checks it as golang.org/x/mod/zip.Unzip would (G21), and closer where zip readers
 * differ: local headers, overlaps, what is neither file nor directory. Memory is bounded by the zip's directory and
 * some hundred KiB. Rejects with a ModuleZipError, or with what reading throws.
 */
export async function checkModuleZip(
  zip: RandomAccess,
  module: string,
  version: string,
  limits: ZipLimits = goZipLimits,
  rest: Rest = noRest,
): Promise<CheckedZip> {
  checkModuleVersion(module, version)
  if (zip.size > limits.zip) throw tooLarge(`module zip file is too large (${zip.size} bytes)`, limits.zip)
  const { entries, startsAt } = await readZipDirectory(zip, rest)
  const contentBytes = await checkEntries(entries, `${module}@${version}/`, limits, rest)
  entries.sort((a, b) => a.headerAt - b.headerAt)
  const modName = `${module}@${version}/go.mod`
  const modPieces: Buffer[] = []
  const hashed: HashedFile[] = []
  const window = new ReadWindow(zip)
  for (const [index, entry] of entries.entries()) {
    const sink = entry.name === modName ? (piece: Buffer) => void modPieces.push(Buffer.from(piece)) : null
    const until = entries[index + 1]?.headerAt ?? startsAt
    hashed.push({ name: entry.name, sha256: await readEntry(window, entry, until, sink) })
    const pause = rest()
    if (pause !== null) await pause
  }
  const mod = hashed.some(({ name }) => name === modName) ? Buffer.concat(modPieces) : null
  const files = entries.reduce((count, { name }) => count + Number(!name.endsWith('/')), 0)
  return { h1: dirHash1(hashed), modH1: mod && goModH1(mod), mod, files, contentBytes }
}

/** Throws a ModuleZipError where no zip can be that of this module and version. */
export function checkModuleVersion(module: string, version: string): void {
  const canonical = canonicalVersion(version)
  if (canonical !== version) {
    const hint = canonical === null ? '' : ` (should be ${JSON.stringify(canonical)})`
    throw new ModuleZipError(`version ${JSON.stringify(version)} is not canonical${hint}`)
  }
  const wrongPath = checkModulePath(module)
  if (wrongPath !== null) throw new ModuleZipError(`malformed module path ${JSON.stringify(module)}: ${wrongPath}`)
  const wrongMajor = checkPathMajor(version, splitPathVersion(module)?.pathMajor ?? '')
  if (wrongMajor !== null) throw new ModuleZipError(`${module}@${version}: ${wrongMajor}`)
}

/** What the names and sizes of the directory say. Gives the size of the contents. */
async function checkEntries(entries: ZipEntry[], prefix: string, limits: ZipLimits, rest: Rest): Promise<number> {
  const collisions = new NameCollisions()
  let contentBytes = 0
  for (const entry of entries) {
    const { name, size } = entry
    if (!name.startsWith(prefix)) throw wrong(name, `path does not have prefix ${JSON.stringify(prefix)}`)
    const isDirectory = name.endsWith('/')
    checkType(entry, isDirectory)
    const path = name.slice(prefix.length, isDirectory ? -1 : undefined)
    if (name === prefix) continue
    const malformed = checkFilePath(path)
    if (malformed !== null) throw wrong(name, `malformed file path: ${malformed}`)
    collisions.add(path, isDirectory)
    if (!isDirectory) {
      checkGoModName(path)
      contentBytes += size
      if (contentBytes > limits.zip) throw tooLarge('total uncompressed size of module contents too large', limits.zip)
      checkSize(path, size, limits)
    }
    const pause = rest()
    if (pause !== null) await pause
  }
  return contentBytes
}

/** Symbolic links and the like are no files, whatever Go's own check, which does not look, makes of them (G21). */
function checkType({ name, size, type }: ZipEntry, isDirectory: boolean): void {
  if (type !== 0 && type !== (isDirectory ? DIRECTORY : FILE)) throw wrong(name, 'is neither a file nor a directory')
  if (isDirectory && size !== 0) throw wrong(name, 'is a directory with contents')
}

function checkGoModName(path: string): void {
  const base = path.slice(path.lastIndexOf('/') + 1)
  if (foldName(base) !== 'go.mod') return
  if (base !== path) throw wrong(path, 'go.mod file not in module root directory')
  if (path !== 'go.mod') throw wrong(path, 'go.mod files must have lowercase names')
}

/** The bounds on single files of a module's root (G21). */
export function checkSize(path: string, size: number, limits: ZipLimits): void {
  if (path === 'go.mod' && size > limits.mod) throw tooLarge('go.mod file too large', limits.mod)
  if (path === 'LICENSE' && size > LICENSE_LIMIT) throw tooLarge('LICENSE file too large', LICENSE_LIMIT)
}

function wrong(name: string, what: string): ModuleZipError {
  return new ModuleZipError(`${JSON.stringify(name)}: ${what}`)
}

function tooLarge(what: string, limit: number): ModuleZipError {
  return new ModuleZipError(`${what} (limit is ${limit} bytes)`, true)
}
