import { open, rm, type FileHandle } from 'node:fs/promises'
import type { World } from '../../../engine/world.ts'
import { buildModuleZip } from '../../../gomod/zip/build-zip.ts'
import type { SourceFile } from '../../../gomod/zip/module-files.ts'
import type { RandomAccess } from '../../../gomod/zip/random-access.ts'
import { LICENSE_LIMIT, type ZipLimits } from '../../../gomod/zip/zip-limits.ts'
import { memoryFile } from '../../../gomod/zip/memory-file.ts'
import { loopRest } from '../zip/loop-rest.ts'
import type { FileSink } from '../origin/module-files.ts'
import { findModuleRoot, type ModuleSource } from './module-root.ts'
import { readTarIndex, type TarEntry } from './tar-index.ts'

/** What the archive of a folder may have that its module has not: vendored packages, other modules. */
const ARCHIVE_FACTOR = 4
const READ_BYTES = 128 * 1024

/** What a module zip is made with. */
export interface ArchiveOptions {
  limits: ZipLimits
  world: World
}

/** Writes the zip of a version into `into`, and ends that (G21, G22). */
export async function writeModuleZip(
  source: ModuleSource,
  version: string,
  into: FileSink,
  { limits, world }: ArchiveOptions,
): Promise<void> {
  const { repository, place } = source
  const root = await findModuleRoot(source, version)
  const scratch = await repository.scratchFile()
  const file = await open(scratch, 'wx+', 0o600)
  try {
    await repository.archive(root.hash, root.folder, (piece) => file.appendFile(piece), limits.zip * ARCHIVE_FACTOR)
    const { size } = await file.stat()
    const entries = await readTarIndex(fileAccess(file, size))
    const files = filesBelow(root.folder, entries, file)
    // G22: a folder's module has the repository's license where it has none of its own.
    if (root.folder !== '' && !files.some(({ path }) => path === 'LICENSE')) {
      const license = await repository.readFile(root.hash, 'LICENSE', LICENSE_LIMIT)
      if (license !== null) files.push(memoryFile('LICENSE', license))
    }
    const module = { module: place.module, version, files, limits, rest: loopRest(world) }
    await buildModuleZip(module, (bytes) => into.write(bytes))
  } finally {
    await file.close()
    await rm(scratch, { force: true })
  }
  await into.end()
}

/** Files of a folder by their path in it. Folders themselves, and submodules, which are empty ones, are no part of a zip. */
function filesBelow(folder: string, entries: readonly TarEntry[], file: FileHandle): SourceFile[] {
  const prefix = folder === '' ? '' : `${folder}/`
  return entries.flatMap(({ path, type, size, position }) =>
    type === 'directory' || !path.startsWith(prefix)
      ? []
      : [{ path: path.slice(prefix.length), type, size, read: () => readRange(file, position, size) }],
  )
}

async function* readRange(file: FileHandle, position: number, size: number): AsyncGenerator<Buffer, void, undefined> {
  for (let done = 0; done < size;) {
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, size - done))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position + done)
    if (bytesRead === 0) throw new RangeError('the archive ends early')
    done += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

function fileAccess(file: FileHandle, size: number): RandomAccess {
  return {
    size,
    read: async (into, position) => (await file.read(into, 0, into.length, position)).bytesRead,
  }
}
