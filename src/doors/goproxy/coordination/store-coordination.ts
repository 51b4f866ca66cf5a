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
    let begun = false
    const begin = (): Promise<T> => {
      begun = true
      return work()
    }
    try {
      return await this.documents.exclusively(`fetches/${key}`, begin, signal)
    } catch (error) {
      // A store that has no room for a lock can still be done without.
      if (begun || !(error instanceof TurnpikeError) || error.code !== 'ERR_MODULE_STORE') throw error
      return await work()
    }
  }
}
