import { randomBytes } from 'node:crypto'
import { TurnpikeError } from '../../../core/error.ts'
import type { Exchange } from '../../../engine/exchange.ts'
import type { Scope } from '../../../engine/scope.ts'
import type { Notify } from '../../../engine/services.ts'
import { escapePath } from '../../../gomod/module-path.ts'
import type { DocumentStore } from '../store/document-store.ts'

const WRITE_MS = 60_000
/** Versions whose downloads are remembered until they are written down; those of further ones are not counted. */
const MAX_PENDING = 50_000

export interface DownloadCountsParts {
  documents: DocumentStore
  scope: Scope
  notify: Notify
}

/** Whose zip it is. */
interface ZipOf {
  module: string
  version: string
}

/** Downloads by version. */
export type Downloads = ReadonlyMap<string, number>

/**
 * How often zips were downloaded. Counted in memory, and added to what is kept once a minute: what a process that is
 * killed counted last is lost. Several processes add to the same counts, one at a time; one that ends waits for nobody,
 * and leaves what it counted last beside them.
 */
export class DownloadCounts implements AsyncDisposable {
  private readonly parts: DownloadCountsParts
  private pending = new Map<string, Map<string, number>>()
  private size = 0
  private writing: Promise<void> | null = null
  private failing = false

  constructor(parts: DownloadCountsParts) {
    this.parts = parts
    parts.scope.use(this)
    parts.scope.every(WRITE_MS, () => void this.write())
  }

  /** Counts one more request for a whole zip: HEAD is no download, a range is part of one. Cheap. */
  count({ method, headers }: Pick<Exchange, 'method' | 'headers'>, { module, version }: ZipOf): void {
    if (method !== 'GET' || headers.get('range') !== undefined) return
    let versions = this.pending.get(module)
    const before = versions?.get(version)
    if (before === undefined) {
      if (this.size >= MAX_PENDING) return
      this.size++
    }
    if (versions === undefined) this.pending.set(module, (versions = new Map()))
    versions.set(version, (before ?? 0) + 1)
  }

  /** Of one module: what is kept, and what waits here. */
  async of(module: string): Promise<Downloads> {
    const { total } = await this.read(module)
    return sum(total, this.pending.get(module) ?? new Map())
  }

  /** Adds what waits to what is kept; resolves when that is done, or has failed and waits again. */
  write(): Promise<void> {
    this.writing ??= this.writePending().finally(() => (this.writing = null))
    return this.writing
  }

  private async writePending(): Promise<void> {
    const { documents } = this.parts
    if (this.size === 0) return
    try {
      await documents.exclusively('downloads', async (signal) => {
        for (const [module, versions] of this.pending) {
          signal.throwIfAborted()
          await this.add(module, versions)
        }
      })
      this.failing = false
    } catch (thrown) {
      if (this.failing) return
      this.failing = true
      const { code, message } = TurnpikeError.from(thrown, 'body')
      this.parts.notify('warn', 'downloads could not be counted: it is tried again', { code, error: message })
    }
  }

  private async add(module: string, versions: Map<string, number>): Promise<void> {
    const { documents } = this.parts
    const written = new Map(versions)
    const { total, left } = await this.read(module)
    await documents.put(`${folderOf(module)}${TOTAL}`, toBytes(sum(total, written)))
    for (const name of left) await documents.remove(name)
    // More may have been counted meanwhile.
    for (const [version, count] of written) {
      const more = versions.get(version)! - count
      if (more > 0) versions.set(version, more)
      else if (versions.delete(version)) this.size--
    }
    if (versions.size === 0) this.pending.delete(module)
  }

  /** What is kept of one module, and the names of what processes left that ended. */
  private async read(module: string): Promise<{ total: Downloads; left: string[] }> {
    const { documents } = this.parts
    const folder = folderOf(module)
    let total = new Map<string, number>()
    const left: string[] = []
    for await (const name of documents.list(folder)) {
      total = sum(total, readCounts((await documents.get(name))?.bytes ?? null))
      if (name !== `${folder}${TOTAL}`) left.push(name)
    }
    return { total, left }
  }

  /** Called when the scope closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.writing
    for (const [module, versions] of this.pending) {
      await this.parts.documents.put(`${folderOf(module)}${randomBytes(8).toString('hex')}`, toBytes(versions))
    }
  }
}

const TOTAL = 'total'

/** `@` is in no module path, so that no module's folder is within another's. */
function folderOf(module: string): string {
  return `downloads/${escapePath(module)!}/@/`
}

function toBytes(counts: Downloads): Buffer {
  return Buffer.from(JSON.stringify(Object.fromEntries(counts)))
}

function sum(one: Downloads, other: Downloads): Map<string, number> {
  const total = new Map(one)
  for (const [version, count] of other) total.set(version, (total.get(version) ?? 0) + count)
  return total
}

/** Counts that are damaged begin anew: nothing but them is lost. */
function readCounts(bytes: Buffer | null): Downloads {
  if (bytes === null) return new Map()
  try {
    const counts: unknown = JSON.parse(bytes.toString())
    const entries: [string, unknown][] = typeof counts === 'object' && counts !== null ? Object.entries(counts) : []
    return new Map(entries.filter((entry): entry is [string, number] => Number.isSafeInteger(entry[1])))
  } catch {
    return new Map()
  }
}
