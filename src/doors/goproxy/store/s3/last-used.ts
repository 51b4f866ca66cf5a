import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { DocumentStore } from '../document-store.ts'

const PREFIX = 'last-used/'
/** What a replica wrote that has not written since for so long is taken over and removed. */
const GONE_MS = 24 * 3_600_000

const times = z.record(z.string(), z.number())

/** When versions were last used, by any replica: objects have no time that could be set. Each replica writes what it knows. */
export class LastUsed {
  private readonly documents: DocumentStore
  private readonly name = PREFIX + randomUUID()
  private readonly known = new Map<string, number>()
  private dirty = false

  constructor(documents: DocumentStore) {
    this.documents = documents
  }

  touch(name: string, nowMs: number): void {
    this.known.set(name, Math.max(nowMs, this.known.get(name) ?? 0))
    this.dirty = true
  }

  forget(name: string): void {
    this.known.delete(name)
  }

  /** What all replicas know. */
  async read(nowMs: number): Promise<ReadonlyMap<string, number>> {
    const all = new Map(this.known)
    for await (const name of this.documents.list(PREFIX)) {
      const document = name === this.name ? null : await this.documents.get(name)
      if (document === null) continue
      const gone = document.putAtMs < nowMs - GONE_MS
      for (const [version, usedMs] of Object.entries(parse(document.bytes))) {
        if (gone) this.touch(version, usedMs)
        all.set(version, Math.max(usedMs, all.get(version) ?? 0))
      }
      if (gone) {
        await this.write()
        await this.documents.remove(name)
      }
    }
    return all
  }

  async write(): Promise<void> {
    if (!this.dirty) return
    this.dirty = false
    await this.documents.put(this.name, Buffer.from(JSON.stringify(Object.fromEntries(this.known))))
  }
}

/** Approximate as it is: what cannot be read is not known. */
function parse(bytes: Buffer): Record<string, number> {
  try {
    return times.safeParse(JSON.parse(bytes.toString())).data ?? {}
  } catch {
    return {}
  }
}
