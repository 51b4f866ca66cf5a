import type { Config } from './config/config.ts'
import { ConfigError, type Problem } from './config/errors.ts'
import { useListsOf } from './config/middleware-uses.ts'
import { createEngine } from './engine/engine.ts'
import { realWorld } from './engine/real-world.ts'
import { Scope } from './engine/scope.ts'
import { SharedStates } from './engine/shared-states.ts'
import { loadMiddlewareDefinitions } from './middleware-definitions.ts'
import { Middlewares } from './middlewares.ts'

/**
 * Makes the middleware of a config and ends it at once, so that what only its making shows is told by `check`
 * (W11). Serves nothing, and connects to nobody. Throws a ConfigError.
 */
export async function tryMiddleware(config: Config): Promise<void> {
  const world = realWorld()
  const observer = { routed() {}, finished() {} }
  const services = createEngine({ world, observer, pseudonym: 'check' })
  const scope = new Scope({ world, ledger: services.ledger, states: new SharedStates(), onError: () => {} })
  const { gateway, middlewares: named } = config
  const upstreams = gateway?.upstreams ?? {}
  const upstream = (name: string) => (Object.hasOwn(upstreams, name) ? { handle() {} } : undefined)
  const definitions = await loadMiddlewareDefinitions(config)
  const middlewares = new Middlewares({ named, definitions, scope, services, upstream })
  const problems: Problem[] = []
  for (const [place, use] of useListsOf(config).entries()) {
    for (const [index, each] of use.entries()) {
      try {
        middlewares.of([each], `check ${place} ${index}`)
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        problems.push(...error.problems)
      }
    }
  }
  await scope.close()
  if (problems.length > 0) throw new ConfigError(problems)
}
