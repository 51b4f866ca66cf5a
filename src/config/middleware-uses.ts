import type { Config } from './config.ts'
import type { MiddlewareUse } from './middleware-schemas.ts'

/** Every middleware that a checked config has: under `middlewares`, and in every `use` list. */
export function middlewareUses({ listeners, gateway, goproxy, forward, middlewares }: Config): MiddlewareUse[] {
  return [...Object.values(middlewares), ...useListsOf({ listeners, gateway, goproxy, forward }).flat()]
}

/** Every `use` list of a checked config. */
export function useListsOf({
  listeners,
  gateway,
  goproxy,
  forward,
}: Pick<Config, 'listeners' | 'gateway' | 'goproxy' | 'forward'>): MiddlewareUse[][] {
  const doors = [gateway, ...(gateway?.routes ?? []), goproxy, forward, ...(forward?.rules ?? [])].filter(
    (each) => each !== undefined,
  )
  return [...Object.values(listeners), ...doors].map(({ use }) => use)
}
