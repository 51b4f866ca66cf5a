import type { z } from 'zod'
import type { Exchange, Reply } from '../exchange.ts'
import type { Scope } from '../scope.ts'
import type { EngineServices } from '../services.ts'

/**
 * One middleware at work, made for each generation. A hook that returns a plain value costs no promise.
 * What a hook throws ends the exchange: a TurnpikeError as it is, anything else as ERR_MIDDLEWARE.
 */
export interface Middleware {
  /**
   * The request, in the order of `use`, before the handler: nothing to go on, or a reply to answer with.
   * The next middleware, and the handler, wait for a promise.
   */
  request?(exchange: Exchange): void | Reply | Promise<void | Reply>
  /**
   * The final reply's head, in reverse order, whoever made it: `exchange.response` can be changed. Called
   * where this middleware's `request` was. A 101 is shown too, but waits for nothing.
   */
  response?(exchange: Exchange): void | Promise<void>
  /** Called exactly once where `request` was, however the exchange ended: count, log. */
  finish?(exchange: Exchange): void
}

/** Where exchanges can be sent: an upstream, whichever room it lives in. */
export interface UpstreamPort {
  handle(exchange: Exchange): void
}

/** What a middleware may need of the place it is used in. */
export interface MiddlewareContext {
  /** Its name under `middlewares`; where it was written in place, what stands there, made unique. */
  readonly name: string
  readonly services: EngineServices
  /** An upstream of the same config; undefined where there is none of that name. */
  upstream(name: string): UpstreamPort | undefined
}

/** A kind of middleware: its name in the config, its options, and how one is made. */
export interface MiddlewareDefinition<Options extends z.ZodType = z.ZodType> {
  /** The key that names it in the config, and in errors. */
  name: string
  /** Checked with the config: an error is shown at its place there. */
  options: Options
  /** Timers, tasks and state that outlives a reload: through `scope` alone. May throw a TurnpikeError. */
  create(options: z.output<Options>, scope: Scope, context: MiddlewareContext): Middleware
}

/** Types a middleware of one's own: `export default defineMiddleware({ … })`. */
export function defineMiddleware<Options extends z.ZodType>(
  definition: MiddlewareDefinition<Options>,
): MiddlewareDefinition<Options> {
  return definition
}
