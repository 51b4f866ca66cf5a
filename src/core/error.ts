import { errorCodes, type ErrorCode } from './error-codes.ts'

/** Who is at fault. */
export type ErrorSource = 'client' | 'upstream' | 'turnpike'

/** How far a request, a connection or a start had come when it failed. */
export type Phase =
  | 'accept'
  | 'tls'
  | 'head'
  | 'route'
  | 'middleware'
  | 'resolve'
  | 'dial'
  | 'send'
  | 'first-byte'
  | 'body'
  | 'tunnel'
  | 'idle'
  | 'config'
  | 'start'

export interface ErrorOptions {
  /** What happened, for people: no secret, no stack. Default: the code's own text. */
  message?: string
  /** Where it happened. Default: the code's usual phase. */
  phase?: Phase
  /** Whether the same request may be sent again without being acted on twice. Default: the code's own. */
  retry?: boolean
  /** HTTP status of the reply. Default: the code's own. */
  status?: number
  /** Methods that would be allowed, for `Allow` on a 405. */
  allow?: string
  /** Further header fields of the reply, such as a challenge. */
  fields?: readonly (readonly [name: string, value: string])[]
  cause?: unknown
}

/** The one error of Turnpike: a stable code, who failed, when, and whether to try again. */
export class TurnpikeError extends Error {
  readonly code: ErrorCode
  readonly source: ErrorSource
  readonly phase: Phase
  readonly retry: boolean
  readonly status: number
  /** Methods that would be allowed, '' where that is not the matter. */
  readonly allow: string
  /** Further header fields of the reply. */
  readonly fields: readonly (readonly [name: string, value: string])[]

  constructor(code: ErrorCode, options: ErrorOptions = {}) {
    const known = errorCodes[code]
    super(options.message ?? known.text, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'TurnpikeError'
    this.code = code
    this.source = known.source
    this.phase = options.phase ?? known.phase
    this.retry = options.retry ?? known.retry
    this.status = options.status ?? known.status
    this.allow = options.allow ?? ''
    this.fields = options.fields ?? []
  }

  /** Anything thrown, as a TurnpikeError: itself, or ERR_INTERNAL with it as the cause. */
  static from(thrown: unknown, phase: Phase): TurnpikeError {
    return thrown instanceof TurnpikeError ? thrown : new TurnpikeError('ERR_INTERNAL', { phase, cause: thrown })
  }
}
