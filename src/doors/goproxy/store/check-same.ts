import { TurnpikeError } from '../../../core/error.ts'
import type { StoredVersion } from './module-store.ts'

/**
 * Versions never change: throws ERR_MODULE_CONFLICT where the go.mod or the contents of the zip differ. Bytes of zips
 * do between Go versions, and an `.info` does between origins; of those the first stays.
 */
export function checkSame(there: Pick<StoredVersion, 'modH1' | 'zip'>, comes: StoredVersion): void {
  const what =
    there.modH1 !== comes.modH1
      ? 'go.mod'
      : there.zip !== null && comes.zip !== null && there.zip.h1 !== comes.zip.h1
        ? 'zip'
        : null
  if (what === null) return
  throw new TurnpikeError('ERR_MODULE_CONFLICT', {
    message: `${comes.module}@${comes.version} is there already, with another ${what}.`,
  })
}
