import type { Config } from './config/config.ts'
import type { MiddlewareUse } from './config/middleware-schemas.ts'
import { errorCodes } from './core/error-codes.ts'
import type { TurnpikeError } from './core/error.ts'
import type { Decision } from './decision.ts'

/** The middleware of a listener, of its door and of a route or rule, as people call it. */
export function passed(config: Config, listener: string, ofRoute: readonly MiddlewareUse[]): string[] {
  const first = config.listeners[listener]
  const uses = [...(first?.use ?? []), ...(config[first?.door ?? 'gateway']?.use ?? []), ...ofRoute]
  return uses.map((use) => ('name' in use ? use.name : 'kind' in use ? use.kind : use.file))
}

/** An error as people are told it. */
export function errorOf(error: TurnpikeError): NonNullable<Decision['error']> {
  const allow = error.allow === '' ? [] : error.allow.split(', ')
  return { code: error.code, status: errorCodes[error.code].status, message: error.message, allow }
}
