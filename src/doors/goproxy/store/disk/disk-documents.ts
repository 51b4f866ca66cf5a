import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { checkDocumentName } from '../document-name.ts'
import type { Document, DocumentStore } from '../document-store.ts'
import { storeError } from '../store-error.ts'
import type { DiskStaging } from './disk-staging.ts'
import { ifThere, makeFolder, placeFile, syncFolder, unlinkIfThere } from './durable.ts'
import type { FolderLocks } from './folder-locks.ts'

/** What a document's own file ends in: no name has it, so that `a` and `a/b` can both be there. */
const MARK = '='

/** The key of the proxy's own checksum database is among them. */
const OWNER_ONLY = 0o600

/** Documents as files, one each. */
export class DiskDocuments implements DocumentStore {
  private readonly folder: string
  private readonly staging: DiskStaging
  private readonly locks: FolderLocks

  constructor(folder: string, staging: DiskStaging, locks: FolderLocks) {
    this.folder = folder
    this.staging = staging
    this.locks = locks
  }

  async get(name: string): Promise<Document | null> {
    const file = this.file(name)
    try {
      const bytes = await ifThere(readFile(file))
      const stats = await ifThere(stat(file))
      return bytes === null || stats === null ? null : { bytes, putAtMs: stats.mtimeMs }
    } catch (error) {
      throw storeError(`cannot read ${name}`, error)
    }
  }

  async put(name: string, bytes: Buffer): Promise<void> {
    const file = this.file(name)
    try {
      await makeFolder(dirname(file))
      await placeFile(file, bytes, this.staging.temporary(), OWNER_ONLY)
      await syncFolder(dirname(file))
    } catch (error) {
      throw storeError(`cannot write ${name}`, error)
    }
  }

  async remove(name: string): Promise<void> {
    const file = this.file(name)
    try {
      if (await unlinkIfThere(file)) await syncFolder(dirname(file))
    } catch (error) {
      throw storeError(`cannot remove ${name}`, error)
    }
  }

  async *list(prefix: string, after = ''): AsyncIterable<string> {
    yield* this.listBelow('', prefix, after)
  }

  exclusively<T>(name: string, work: (signal: AbortSignal) => Promise<T>, patience?: AbortSignal): Promise<T> {
    checkDocumentName(name)
    return this.locks.exclusively(`document ${name}`, work, patience)
  }

  private file(name: string): string {
    checkDocumentName(name)
    return join(this.folder, name + MARK)
  }

  /** Entries sort by what their names begin with: a document by its own, a folder by its own and a slash. */
  private async *listBelow(path: string, prefix: string, after: string): AsyncGenerator<string> {
    const entries = (await ifThere(readdir(join(this.folder, path), { withFileTypes: true }))) ?? []
    const names = entries.map((entry) =>
      entry.isDirectory() ? `${path}${entry.name}/` : `${path}${entry.name.slice(0, -MARK.length)}`,
    )
    for (const name of names.toSorted((a, b) => (a < b ? -1 : 1))) {
      if (!name.endsWith('/')) {
        if (name.startsWith(prefix) && name > after) yield name
      } else if (name.startsWith(prefix) || prefix.startsWith(name)) {
        yield* this.listBelow(name, prefix, after)
      }
    }
  }
}
