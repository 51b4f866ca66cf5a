import { TurnpikeError } from '../../../core/error.ts'
import type { ErrorCode } from '../../../core/error-codes.ts'
import type { Notify } from '../../../engine/services.ts'

const loud: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_MODULE_ZIP',
  'ERR_MODULE_CHECKSUM',
  'ERR_MODULE_CONFLICT',
  'ERR_SUMDB_INVALID',
])

/** Tells of what came and was not what it should be: somebody may be tampering, and a client's error is not read by all. */
export class Refusals {
  private readonly notify: Notify

  constructor(notify: Notify) {
    this.notify = notify
  }

  tell(module: string, version: string, error: unknown): void {
    if (!(error instanceof TurnpikeError) || !loud.has(error.code)) return
    this.notify('warn', 'a module was refused', { module, version, code: error.code, error: error.message })
  }
}
