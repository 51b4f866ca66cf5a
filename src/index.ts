import type { ConfigInput } from './config/config.ts'

export { createTurnpike } from './turnpike.ts'
export type { ReloadProblem, ReloadReport, ReloadResult } from './control/reload-history.ts'
export type { StopReport, Turnpike, TurnpikeOptions } from './turnpike.ts'
export type { Config, ConfigInput } from './config/config.ts'

export { defineMiddleware } from './engine/middleware/middleware.ts'
export type {
  Middleware,
  MiddlewareContext,
  MiddlewareDefinition,
  UpstreamPort,
} from './engine/middleware/middleware.ts'
export type { Exchange, Reply } from './engine/exchange.ts'
export type { ResponseDraft } from './engine/middleware/response-draft.ts'
export type { Scope } from './engine/scope.ts'
export type { Session } from './engine/session.ts'
export { Headers } from './core/headers.ts'
export { readBody } from './engine/middleware/read-body.ts'
export { textReply } from './engine/middleware/text-reply.ts'
export { transformBody } from './engine/middleware/transform-body.ts'
export type { BodyFilter, MakeBodyFilter } from './engine/middleware/body-filter.ts'
export type { BodySink, BodySource, ReplyBody } from './engine/body.ts'
export { TurnpikeError } from './core/error.ts'
export type { ErrorCode } from './core/error-codes.ts'

/** A config with its types checked, for `turnpike.config.ts`. Returns what it is given. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config
}
