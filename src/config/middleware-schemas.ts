import { z } from 'zod'
import { kindOf } from '../core/config-fields.ts'
import { basicAuthOptions } from '../middleware/basic-auth/config.ts'
import { bodyLimitOptions } from '../middleware/body-limit/config.ts'
import { compressOptions } from '../middleware/compress/config.ts'
import { corsOptions } from '../middleware/cors/config.ts'
import { errorPagesOptions } from '../middleware/error-pages/config.ts'
import { headersOptions } from '../middleware/headers/config.ts'
import { ipFilterOptions } from '../middleware/ip-filter/config.ts'
import { mirrorOptions } from '../middleware/mirror/config.ts'
import { rateLimitOptions } from '../middleware/rate-limit/config.ts'
import { requestIdOptions } from '../middleware/request-id/config.ts'
import { rewriteOptions } from '../middleware/rewrite/config.ts'
import { stripPrefixOptions } from '../middleware/strip-prefix/config.ts'
import { ModuleUse } from './module-use.ts'

/** Every kind of middleware, by its key in the config, with its options. `src/middlewares.ts` has the code of each. */
export const middlewareSchemas = {
  basicAuth: basicAuthOptions,
  bodyLimit: bodyLimitOptions,
  compress: compressOptions,
  cors: corsOptions,
  errorPages: errorPagesOptions,
  headers: headersOptions,
  ipFilter: ipFilterOptions,
  mirror: mirrorOptions,
  rateLimit: rateLimitOptions,
  requestId: requestIdOptions,
  rewrite: rewriteOptions,
  stripPrefix: stripPrefixOptions,
}

export type MiddlewareKind = keyof typeof middlewareSchemas

/** A middleware of a kind that Turnpike has. */
export interface KindUse {
  kind: MiddlewareKind
  options: unknown
}

/** A middleware by its name under `middlewares`. */
export interface NamedUse {
  name: string
}

/** One item of a checked `use` list. */
export type MiddlewareUse = NamedUse | KindUse | ModuleUse

/** Whether a text in a `use` list names a module rather than a middleware. */
export function isModulePath(text: string): boolean {
  return /^\.{0,2}\/.*\.[cm]?[jt]s$/s.test(text)
}

const kindUse = z
  .strictObject(middlewareSchemas)
  .partial()
  .superRefine((value, context) => {
    const given = Object.keys(value)
    // An unknown kind was told already.
    if (context.issues.length > 0) return
    if (given.length === 0)
      context.addIssue({ code: 'custom', message: 'a kind of middleware is needed, such as headers' })
    for (const key of given.slice(1)) {
      const message = `${given[0]} stands here already: a middleware is of one kind`
      context.addIssue({ code: 'custom', message, path: [key] })
    }
  })
  .transform((value): KindUse => {
    const [[kind, options] = []] = Object.entries(value)
    // Object.entries forgets its keys.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return { kind: kind as MiddlewareKind, options }
  })

const modulePath = z
  .string()
  .regex(/^\.{0,2}\/.*\.[cm]?[jt]s$/s)
  .meta({ title: 'module' })

const moduleUse = z
  .record(modulePath, z.unknown())
  .refine((value) => Object.keys(value).length === 1, 'a middleware is one module')
  .transform((value): ModuleUse => {
    const [[file, options] = ['', {}]] = Object.entries(value)
    return new ModuleUse(file, options ?? {})
  })

/** A middleware written down: `{ kind: options }`, or `{ "./own.ts": options }`. */
export const middlewareSchema = z
  .union([kindUse, moduleUse], {
    error: ({ input }) => `expected a middleware such as { headers: { … } }, found ${kindOf(input)}`,
  })
  .meta({ id: 'Middleware', description: 'One kind of middleware with its options, or a module of your own with its.' })

const item = z.union(
  [
    z.string().transform((text): MiddlewareUse => (isModulePath(text) ? new ModuleUse(text, {}) : { name: text })),
    middlewareSchema,
  ],
  { error: ({ input }) => `expected the name of a middleware, or one written in place, found ${kindOf(input)}` },
)

/** A `use` list: middleware in the order in which requests pass it. */
export const useSchema = z.array(item).prefault([])
