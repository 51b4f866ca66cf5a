import { ConfigError } from './config/errors.ts'
import type { KindUse, MiddlewareUse } from './config/middleware-schemas.ts'
import { importedModules } from './config/module-graph.ts'
import type { ModuleUse } from './config/module-use.ts'
import type { Middleware, MiddlewareContext, MiddlewareDefinition } from './engine/middleware/middleware.ts'
import type { Scope } from './engine/scope.ts'
import type { MiddlewareDefinitions } from './middleware-definitions.ts'

/** Where the middleware of one generation comes from. */
export interface MiddlewareSources extends Pick<MiddlewareContext, 'services' | 'upstream'> {
  /** Those under `middlewares`, by name. */
  named: Readonly<Record<string, KindUse | ModuleUse>>
  /** The code of every kind that the config has. */
  definitions: MiddlewareDefinitions
  /** All that they start is started through it. */
  scope: Scope
}

/** The middleware of one generation: one instance for each name that is used, and for each place where one is written in place. */
export class Middlewares {
  private readonly sources: MiddlewareSources
  private readonly instances = new Map<string, Middleware>()

  constructor(sources: MiddlewareSources) {
    this.sources = sources
    const { ledger } = sources.services
    // Node keeps every version of a module that was ever imported: they are the process's, and only become more.
    while (ledger.count('modules') < importedModules()) ledger.enter('modules')
  }

  /** The instances of a `use` list. `place` says whose it is, as in `route users`: it names what is written in place there. */
  of(uses: readonly MiddlewareUse[], place: string): Middleware[] {
    return uses.map((use, index) => ('name' in use ? this.byName(use.name) : this.create(use, `${place} ${index}`)))
  }

  private byName(name: string): Middleware {
    let middleware = this.instances.get(name)
    if (middleware === undefined) {
      middleware = this.create(this.sources.named[name]!, name)
      this.instances.set(name, middleware)
    }
    return middleware
  }

  private create(use: KindUse | ModuleUse, name: string): Middleware {
    const { services, upstream, scope, definitions } = this.sources
    const context = { name, services, upstream }
    if ('kind' in use) return definitions.get(use.kind)!.create(use.options, scope, context)
    const fail = (message: string) =>
      new ConfigError([{ ...use.place, code: 'ERR_CONFIG_MODULE', message: `${use.file}: ${message}` }])
    try {
      // The config takes nothing for a module's middleware that is not of this shape.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      const made: unknown = (use.definition as MiddlewareDefinition).create(use.options, scope, context)
      if (typeof made === 'object' && made !== null) return made
    } catch (thrown) {
      throw fail(`its \`create\` failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
    }
    throw fail('its `create` returned no middleware')
  }
}
