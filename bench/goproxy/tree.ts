import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { makeModule, writeDownloadFolder } from '../../test/support/goproxy/module-fixtures.ts'

/** A tree of modules as a module proxy's upstream serves it, and as nginx serves it by itself. */
export interface ModuleTree {
  folder: string
  remove(): void
}

export const SMALL = 'example.com/small'
export const LARGE = 'example.com/large'
export const HUGE = 'example.com/huge'
export const VERSION = 'v1.4.2'

const KILOBYTE = 1024
const MEGABYTE = 1024 * 1024

/** Random contents: what cannot be compressed is as large in the zip as outside. */
export async function makeTree(): Promise<ModuleTree> {
  const folder = mkdtempSync(path.join(tmpdir(), 'turnpike-modules-'))
  await write(folder, SMALL, 20 * KILOBYTE)
  await write(folder, LARGE, 50 * MEGABYTE)
  await write(folder, HUGE, 100 * MEGABYTE)
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** The path of a file of a version below the tree. */
export function filePath(module: string, file: 'list' | 'info' | 'mod' | 'zip'): string {
  return file === 'list' ? `/${module}/@v/list` : `/${module}/@v/${VERSION}.${file}`
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

async function write(folder: string, module: string, bytes: number): Promise<void> {
  const files = {
    'go.mod': `module ${module}\n\ngo 1.24\n`,
    'doc.go': '// Package data is something to download.\npackage data\n',
    'data.bin': randomBytes(bytes),
  }
  const earlier = ['v1.4.0', 'v1.4.1'].map((version) => makeModule(module, version))
  await writeDownloadFolder(folder, await Promise.all([...earlier, makeModule(module, VERSION, { files })]))
}
