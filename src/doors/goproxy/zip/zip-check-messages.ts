import type { CheckedZip } from '../../../gomod/zip/check-zip.ts'
import type { ZipLimits } from '../../../gomod/zip/zip-limits.ts'

/** What a thread is asked: check the module zip in this file. */
export interface ZipCheckJob {
  path: string
  module: string
  version: string
  limits: ZipLimits
}

/** What it answers, once for each job. */
export type ZipCheckMessage =
  | { kind: 'checked'; zip: Omit<CheckedZip, 'mod'> & { mod: Uint8Array | null } }
  /** It is no zip of that module. */
  | { kind: 'refused'; message: string; tooLarge: boolean }
  /** The file could not be read. */
  | { kind: 'failed'; message: string }
