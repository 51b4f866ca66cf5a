import type { Ledger } from '../../../engine/ledger.ts'
import type { ZipFile } from './module-store.ts'

/** An open zip that the ledger counts until it is closed, once. */
export class OpenZip implements ZipFile {
  private readonly ledger: Ledger
  private readonly source: ZipFile
  private closed = false

  constructor(ledger: Ledger, source: ZipFile) {
    this.ledger = ledger
    this.source = source
    ledger.enter('openZips')
  }

  get size(): number {
    return this.source.size
  }

  read(into: Buffer, position: number): Promise<number> {
    return this.source.read(into, position)
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    this.ledger.strike('openZips')
    await this.source.close()
  }
}
