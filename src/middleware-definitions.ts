import type { Config } from './config/config.ts'
import type { MiddlewareKind } from './config/middleware-schemas.ts'
import { middlewareUses } from './config/middleware-uses.ts'
import type { MiddlewareDefinition } from './engine/middleware/middleware.ts'

/** The code of every kind in `middlewareSchemas`: loaded where a config has it, since each kind is files to read at a start. */
export const middlewareLoaders: Readonly<Record<MiddlewareKind, () => Promise<MiddlewareDefinition>>> = {
  basicAuth: async () => (await import('./middleware/basic-auth/basic-auth.ts')).basicAuth,
  bodyLimit: async () => (await import('./middleware/body-limit/body-limit.ts')).bodyLimit,
  compress: async () => (await import('./middleware/compress/compress.ts')).compress,
  cors: async () => (await import('./middleware/cors/cors.ts')).cors,
  errorPages: async () => (await import('./middleware/error-pages/error-pages.ts')).errorPages,
  headers: async () => (await import('./middleware/headers/headers.ts')).headers,
  ipFilter: async () => (await import('./middleware/ip-filter/ip-filter.ts')).ipFilter,
  mirror: async () => (await import('./middleware/mirror/mirror.ts')).mirror,
  rateLimit: async () => (await import('./middleware/rate-limit/rate-limit.ts')).rateLimit,
  requestId: async () => (await import('./middleware/request-id/request-id.ts')).requestId,
  rewrite: async () => (await import('./middleware/rewrite/rewrite.ts')).rewrite,
  stripPrefix: async () => (await import('./middleware/strip-prefix/strip-prefix.ts')).stripPrefix,
}

/** The kinds that a config has, by name. */
export type MiddlewareDefinitions = ReadonlyMap<MiddlewareKind, MiddlewareDefinition>

/** Loads what a config needs. */
export async function loadMiddlewareDefinitions(config: Config): Promise<MiddlewareDefinitions> {
  const kinds = new Set(middlewareUses(config).flatMap((use) => ('kind' in use ? [use.kind] : [])))
  return new Map(await Promise.all([...kinds].map(async (kind) => [kind, await middlewareLoaders[kind]()] as const)))
}
