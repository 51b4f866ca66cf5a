import { dirHash1, goModH1, type HashedFile } from '../hash1.ts'
import { checkModuleVersion, type CheckedZip } from './check-zip.ts'
import { chooseModuleFiles, type ModuleFiles, type SourceFile } from './module-files.ts'
import { ModuleZipError } from './module-zip-error.ts'
import { noRest, type Rest } from './rest.ts'
import { goZipLimits, type ZipLimits } from './zip-limits.ts'
import { ZipWriter } from './zip-writer.ts'

/** What a module zip is made of. */
export interface ModuleSource {
  module: string
  version: string
  /** In the order that they shall have. */
  files: readonly SourceFile[]
  /** Bounds. Default: those of the go command. */
  limits?: ZipLimits
  /** Where it is made on an event loop that has other work. Default: never rests. */
  rest?: Rest
}

/** A zip that was made, as checking it would find it, and what was left out. */
export interface BuiltZip extends CheckedZip {
  omitted: ModuleFiles['omitted']
}

/**
 * Makes the zip of a module from files, as golang.org/x/mod/zip.Create does (G22): what does not belong to the module
 * is left out. `write` gets it in pieces that are its own. Memory does not grow with the files' sizes. Rejects with a ModuleZipError where no
 * zip can be made, and with what reading and `write` throw.
 */
export async function buildModuleZip(source: ModuleSource, write: (bytes: Buffer) => Promise<void>): Promise<BuiltZip> {
  const { module, version, files, limits = goZipLimits, rest = noRest } = source
  checkModuleVersion(module, version)
  // Beyond 4 GiB the format is another one, which nobody could use.
  const bounds = { ...limits, zip: Math.min(limits.zip, goZipLimits.zip) }
  const { included, omitted } = await chooseModuleFiles(files, bounds)
  const writer = new ZipWriter(write)
  const hashed: HashedFile[] = []
  const modPieces: Uint8Array[] = []
  let contentBytes = 0
  for (const file of included) {
    const name = `${module}@${version}/${file.path}`
    const contents = file.path === 'go.mod' ? keeping(file.read(), modPieces) : file.read()
    hashed.push({ name, sha256: await writer.add(name, file.size, contents) })
    contentBytes += file.size
    const pause = rest()
    if (pause !== null) await pause
  }
  await writer.end()
  if (writer.size > bounds.zip) throw new ModuleZipError(`module zip file is too large (${writer.size} bytes)`, true)
  const mod = included.some(({ path }) => path === 'go.mod') ? Buffer.concat(modPieces) : null
  return { h1: dirHash1(hashed), modH1: mod && goModH1(mod), mod, files: included.length, contentBytes, omitted }
}

async function* keeping(
  contents: AsyncIterable<Uint8Array>,
  pieces: Uint8Array[],
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of contents) {
    pieces.push(piece)
    yield piece
  }
}
