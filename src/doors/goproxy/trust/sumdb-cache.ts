import type { SumdbPorts } from '../../../gomod/sumdb/sumdb-ports.ts'
import type { DocumentStore } from '../store/document-store.ts'
import type { StoreTrouble } from '../library/store-trouble.ts'

/** What is kept of a checksum database, among the documents of the store. Where the store fails, nothing is. */
export class SumdbCache implements Omit<SumdbPorts, 'remote'> {
  private readonly documents: DocumentStore
  private readonly prefix: string
  private readonly trouble: StoreTrouble

  /** `prefix`: what the names of its documents begin with. */
  constructor(documents: DocumentStore, prefix: string, trouble: StoreTrouble) {
    this.documents = documents
    this.prefix = prefix
    this.trouble = trouble
  }

  async readCache(name: string): Promise<Buffer | null> {
    const document = await this.trouble.unlessFailing(() => this.documents.get(`${this.prefix}/${name}`))
    return document?.bytes ?? null
  }

  async writeCache(name: string, bytes: Buffer): Promise<void> {
    await this.trouble.unlessFailing(async () => {
      await this.documents.put(`${this.prefix}/${name}`, bytes)
      this.trouble.works()
    })
  }

  readLatest(): Promise<Buffer | null> {
    return this.readCache('latest')
  }

  async writeLatest(old: Buffer | null, latest: Buffer): Promise<boolean> {
    const name = `${this.prefix}/latest`
    const written = await this.trouble.unlessFailing(() =>
      this.documents.exclusively(name, async (held) => {
        const now = (await this.documents.get(name))?.bytes ?? null
        if (held.aborted || (old === null ? now !== null : now?.equals(old) !== true)) return false
        await this.documents.put(name, latest)
        return true
      }),
    )
    return written ?? true
  }

  /** Whether any version was looked up and kept. */
  async hasRecords(): Promise<boolean> {
    const first = await this.trouble.unlessFailing(async () => {
      for await (const name of this.documents.list(`${this.prefix}/lookup/`)) return name
      return null
    })
    return first !== null
  }
}
