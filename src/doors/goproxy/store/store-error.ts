import { TurnpikeError } from '../../../core/error.ts'

/** ERR_MODULE_STORE that says what could not be done; the system's or the server's own words follow where there are any. */
export function storeError(what: string, cause?: unknown): TurnpikeError {
  const why = cause instanceof Error ? `: ${cause.message}` : ''
  return new TurnpikeError('ERR_MODULE_STORE', { message: `The module store ${what}${why}.`, cause })
}

/** Stored bytes that are not those that were committed: never served, found again by `turnpike goproxy verify`. */
export function damaged(module: string, version: string, what: string): TurnpikeError {
  return storeError(`holds a damaged ${module}@${version}: ${what}`)
}
