import { createReadStream } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { SourceFile } from '../../../gomod/zip/module-files.ts'

const versionControl = new Set(['.bzr', '.git', '.hg', '.svn'])

/**
 * Files of a module's folder as they are on disk, by name (listFilesInDir of golang.org/x/mod/zip): nothing of version
 * control, of nested modules, and nothing irregular.
 */
export async function folderFiles(folder: string): Promise<SourceFile[]> {
  const files: SourceFile[] = []
  await walk(folder, '', files)
  return files
}

async function walk(folder: string, prefix: string, files: SourceFile[]): Promise<void> {
  const entries = await readdir(join(folder, prefix), { withFileTypes: true })
  if (prefix !== '' && entries.some((entry) => entry.name === 'go.mod' && !entry.isDirectory())) return
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = `${prefix}${entry.name}`
    if (entry.isDirectory()) {
      if (!versionControl.has(entry.name)) await walk(folder, `${path}/`, files)
    } else if (entry.isFile()) {
      const place = join(folder, path)
      const { size } = await lstat(place)
      files.push({ path, type: 'file', size, read: () => createReadStream(place) })
    }
  }
}
