import { checkFilePath } from '../module-path.ts'
import { readGoMod } from '../go-mod-file.ts'
import { checkSize } from './check-zip.ts'
import { foldName } from './fold-name.ts'
import { ModuleZipError } from './module-zip-error.ts'
import { NameCollisions } from './name-collisions.ts'
import type { ZipLimits } from './zip-limits.ts'

/** A file that may become part of a module zip. */
export interface SourceFile {
  /** From the module's root, with `/`. */
  path: string
  type: 'file' | 'directory' | 'symlink' | 'other'
  /** Bytes. Exactly as many are read; 0 for what is no file. */
  size: number
  /** Its contents in pieces. Called once for what becomes part of the zip, and once more for the root's go.mod. */
  read(): AsyncIterable<Uint8Array>
}

/** Why a file is left out of a module zip. */
export type Omission =
  | 'file is in vendor directory'
  | 'file is in another module'
  | "file is inserted by 'hg archive' and is always omitted"
  | 'file is a symbolic link'
  | 'not a regular file'

export interface ModuleFiles {
  /** What the zip will have, in the order of before. */
  included: SourceFile[]
  omitted: { path: string; why: Omission }[]
}

/**
 * Chooses what belongs to a module (G22; checkFiles of golang.org/x/mod/zip): no vendored packages, nothing of nested
 * modules, nothing irregular. Rejects with a ModuleZipError where a file can be in no module zip.
 */
export async function chooseModuleFiles(files: readonly SourceFile[], limits: ZipLimits): Promise<ModuleFiles> {
  const nested = nestedModules(files)
  const keepsVendorBugs = !(await isGo124(files, limits))
  const collisions = new NameCollisions()
  const chosen: ModuleFiles = { included: [], omitted: [] }
  let bytes = 0
  for (const file of files) {
    const { path, size } = file
    if (!isClean(path)) throw wrong(path, 'file path is not clean')
    const why = omissionByPath(path, nested, keepsVendorBugs)
    if (why !== null) {
      chosen.omitted.push({ path, why })
      continue
    }
    const malformed = checkFilePath(path)
    if (malformed !== null) throw wrong(path, `malformed file path: ${malformed}`)
    if (path !== 'go.mod' && path.toLowerCase() === 'go.mod') {
      throw wrong(path, 'go.mod files must have lowercase names')
    }
    // Before links go: one may stand where another file's name is on some systems.
    collisions.add(path, file.type === 'directory')
    if (file.type !== 'file') {
      const irregular = file.type === 'symlink' ? 'file is a symbolic link' : 'not a regular file'
      chosen.omitted.push({ path, why: irregular })
      continue
    }
    bytes += size
    if (bytes > limits.zip) {
      throw new ModuleZipError(`module source tree too large (limit is ${limits.zip} bytes)`, true)
    }
    checkSize(path, size, limits)
    chosen.included.push(file)
  }
  return chosen
}

/** Folders below the root that have a go.mod, with their `/`. */
function nestedModules(files: readonly SourceFile[]): Set<string> {
  const folders = new Set<string>()
  for (const { path, type } of files) {
    const slash = path.lastIndexOf('/') + 1
    if (slash > 0 && type === 'file' && foldName(path.slice(slash)) === 'go.mod') folders.add(path.slice(0, slash))
  }
  return folders
}

/** go.mod files of before keep the zips, and so the hashes, that they always had (golang.org/issue/37397). */
async function isGo124(files: readonly SourceFile[], limits: ZipLimits): Promise<boolean> {
  const file = files.find(({ path, type }) => path === 'go.mod' && type === 'file')
  if (file === undefined || file.size > limits.mod) return false
  const pieces: Uint8Array[] = []
  for await (const piece of file.read()) pieces.push(piece)
  const { go, problem } = readGoMod(Buffer.concat(pieces).toString())
  if (problem !== null) return false
  const [, major, minor] = /^([1-9][0-9]*)\.([0-9]+)/.exec(go ?? '') ?? []
  return Number(major) > 1 || (Number(major) === 1 && Number(minor) >= 24)
}

function omissionByPath(path: string, nested: ReadonlySet<string>, keepsVendorBugs: boolean): Omission | null {
  if (isVendored(path, keepsVendorBugs)) return 'file is in vendor directory'
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
    if (nested.has(path.slice(0, slash + 1))) return 'file is in another module'
  }
  return path === '.hg_archival.txt' ? "file is inserted by 'hg archive' and is always omitted" : null
}

/**
 * Whether a file is of a package below a `vendor` folder. Up to go 1.23, `vendor/modules.txt` was not, and a file right
 * in a deeper `vendor` folder was, where its path was long enough (isVendoredPackage of golang.org/x/mod/zip).
 */
function isVendored(path: string, keepsBugs: boolean): boolean {
  if (!keepsBugs && path === 'vendor/modules.txt') return true
  if (path.startsWith('vendor/')) return path.includes('/', 'vendor/'.length)
  const at = path.indexOf('/vendor/')
  if (at === -1) return false
  // Go's mistake counts bytes.
  return keepsBugs ? Buffer.from(path).includes('/', '/vendor/'.length) : path.includes('/', at + '/vendor/'.length)
}

function isClean(path: string): boolean {
  return path !== '' && !path.split('/').some((element) => element === '' || element === '.' || element === '..')
}

function wrong(path: string, what: string): ModuleZipError {
  return new ModuleZipError(`${JSON.stringify(path)}: ${what}`)
}
