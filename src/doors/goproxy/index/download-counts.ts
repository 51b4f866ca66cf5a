import { TurnpikeError } from '../../../core/error.ts'
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

/** Downloads by version. */
export type Downloads = ReadonlyMap<string, number>

/**
 * How often zips were downloaded. Counted in memory, added to what is kept once a minute and at the end: what a process
 * that is killed counted last is lost. Several processes add to the same counts.
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

  /** Counts one more. Cheap. */
  count(module: string, version: string): void {
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
    const document = await this.parts.documents.get(documentName(module))
    return sum(readCounts(document?.bytes ?? null), this.pending.get(module) ?? new Map())
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
    const name = documentName(module)
    const written = new Map(versions)
    const total = sum(readCounts((await documents.get(name))?.bytes ?? null), written)
    await documents.put(name, Buffer.from(JSON.stringify(Object.fromEntries(total))))
    // More may have been counted meanwhile.
    for (const [version, count] of written) {
      const left = versions.get(version)! - count
      if (left > 0) versions.set(version, left)
      else if (versions.delete(version)) this.size--
    }
    if (versions.size === 0) this.pending.delete(module)
  }

  /** Called when the scope closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.writing
    await this.write()
  }
}

function documentName(module: string): string {
  return `downloads/${escapePath(module)!}/counts`
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
