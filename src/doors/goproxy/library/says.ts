import { TurnpikeError } from '../../../core/error.ts'
import type { ErrorCode } from '../../../core/error-codes.ts'

/** 404 and 410 mean "does not exist", and nothing else does (G9). */
export function saysGone(error: unknown): error is TurnpikeError {
  return error instanceof TurnpikeError && (error.status === 404 || error.status === 410)
}

/** Whether it is the error of that cause. */
export function saysCode(error: unknown, code: ErrorCode): error is TurnpikeError {
  return error instanceof TurnpikeError && error.code === code
}
