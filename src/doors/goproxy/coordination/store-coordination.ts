import { TurnpikeError } from '../../../core/error.ts'
import type { DocumentStore } from '../store/document-store.ts'
import type { Coordination } from './coordination.ts'

/** Goes by the locks of the store: those who share a folder or a bucket fetch a version once. */
export class StoreCoordination implements Coordination {
  private readonly documents: Pick<DocumentStore, 'exclusively'>

  constructor(documents: Pick<DocumentStore, 'exclusively'>) {
    this.documents = documents
  }

  async exclusively<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    let outcome: Promise<T> | null = null
    const begin = (): Promise<T> => {
      outcome = work()
      return outcome
    }
    try {
      return await this.documents.exclusively(`fetches/${key}`, begin, signal)
    } catch (error) {
      if (!(error instanceof TurnpikeError) || error.code !== 'ERR_MODULE_STORE') throw error
      // A full store may have no room for a lock, nor to give one back; a fetch can do without.
      return await (outcome ?? work())
    }
  }
}
