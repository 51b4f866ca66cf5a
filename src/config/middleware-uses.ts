import type { Config } from './config.ts'
import type { MiddlewareUse } from './middleware-schemas.ts'

/** Every middleware that a checked config has: under `middlewares`, and in every `use` list. */
export function middlewareUses({ listeners, gateway, goproxy, middlewares }: Config): MiddlewareUse[] {
  return [...Object.values(middlewares), ...useListsOf({ listeners, gateway, goproxy }).flat()]
}

/** Every `use` list of a checked config. */
export function useListsOf({
  listeners,
  gateway,
  goproxy,
}: Pick<Config, 'listeners' | 'gateway' | 'goproxy'>): MiddlewareUse[][] {
  const doors = [gateway, ...(gateway?.routes ?? []), goproxy].filter((each) => each !== undefined)
  return [...Object.values(listeners), ...doors].map(({ use }) => use)
}
