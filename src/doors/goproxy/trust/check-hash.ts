import { TurnpikeError } from '../../../core/error.ts'
import { recordHashes } from '../../../gomod/sumdb/sum-record.ts'

/** What a hash is of: a version's go.mod, or its contents. */
export type HashOf = 'mod' | 'zip'

/** Throws ERR_MODULE_CHECKSUM where the record of a version has another hash, ERR_SUMDB_INVALID where it has none. */
export function checkHash(
  database: string,
  record: string,
  module: string,
  version: string,
  of: HashOf,
  h1: string,
): void {
  const known = recordHashes(record, module, version)[of]
  if (known === h1) return
  const subject = `${module}@${version}${of === 'mod' ? '/go.mod' : ''}`
  if (known === null) {
    throw new TurnpikeError('ERR_SUMDB_INVALID', { message: `${database} has a record without a hash of ${subject}.` })
  }
  throw new TurnpikeError('ERR_MODULE_CHECKSUM', {
    message: `${subject}: checksum mismatch\ncame now: ${h1}\n${database}: ${known}`,
  })
}
