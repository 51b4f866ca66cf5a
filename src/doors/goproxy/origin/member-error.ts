import { TurnpikeError } from '../../../core/error.ts'

/** The status of a reply that was no 200 (G3): the cause of the error that is made of it. */
export class UnwantedStatus extends Error {
  readonly status: number

  constructor(status: number) {
    super(`status ${status}`)
    this.status = status
  }
}

class PassedOver extends Error {}

/**
 * What a member's status means (G9): 404 and 410 that there is no such thing; anything else that the member could not
 * say, its 401 and 403 too, since they are about our credentials and its rules, not about the client's.
 */
export function statusError(name: string, status: number, text: string): TurnpikeError {
  const cause = new UnwantedStatus(status)
  if (status === 404 || status === 410) {
    const message = text === '' ? `${name} answered ${status}.` : text
    return new TurnpikeError('ERR_MODULE_NOT_FOUND', { status, message, cause })
  }
  const message = `${name} answered ${status}${text === '' ? '.' : `: ${text}`}`
  return new TurnpikeError('ERR_MODULE_UPSTREAM', { message, cause })
}

/** A failed request as the chain's error: 504 where a deadline passed, else 502. What is not the member's fault stays what it is. */
export function failureError(name: string, thrown: unknown): TurnpikeError {
  const error = TurnpikeError.from(thrown, 'body')
  if (error.source !== 'upstream' || error.code.startsWith('ERR_MODULE_')) return error
  return new TurnpikeError('ERR_MODULE_UPSTREAM', {
    message: `${name}: ${error.message}`,
    status: error.status === 504 ? 504 : 502,
    cause: error,
  })
}

/** It is known not to answer, so it is not asked. */
export function downError(why: string): TurnpikeError {
  return new TurnpikeError('ERR_MODULE_UPSTREAM', {
    message: `Passed over while it is down: ${why}`,
    cause: new PassedOver(),
  })
}

/** A member answered, and not with what was asked for. */
export function contentError(name: string, what: string): TurnpikeError {
  return new TurnpikeError('ERR_MODULE_UPSTREAM', { message: `${name} ${what}` })
}

export function tooLarge(name: string, maxBytes: number): TurnpikeError {
  const message = `What ${name} has is larger than ${maxBytes} bytes.`
  return new TurnpikeError('ERR_MODULE_TOO_LARGE', { message })
}

/** An outcome for the trail: the status that came, or the code of what went wrong. */
export function outcomeOf(error: TurnpikeError): string {
  const { cause } = error
  if (cause instanceof UnwantedStatus) return String(cause.status)
  if (cause instanceof PassedOver) return 'down'
  return cause instanceof TurnpikeError ? cause.code : error.code
}
