import { hash } from 'node:crypto'
import type { Config } from './config/config.ts'
import { contentText } from './config/content-text.ts'
import type { GoproxyConfig } from './doors/goproxy/config.ts'
import type { ModuleProxy } from './doors/goproxy/module-proxy.ts'
import { Parents } from './engine/dial/parents.ts'
import type { Scope } from './engine/scope.ts'
import type { EngineServices } from './engine/services.ts'

/** The module proxy of a config: the one that an earlier generation has, where it is configured alike. Rejects where its store cannot be opened. */
export async function openModules(
  { goproxy, parents }: { goproxy: GoproxyConfig; parents: Config['parents'] },
  services: EngineServices,
  scope: Scope,
  report: (error: unknown) => void,
): Promise<ModuleProxy> {
  // Nothing of it is loaded where it is not configured.
  const { ModuleProxy: Loaded } = await import('./doors/goproxy/module-proxy.ts')
  const key = `goproxy:${hash('sha256', contentText([goproxy, parents]))}`
  const modules = scope.shared(
    key,
    (own) => new Loaded(goproxy, { services, scope: own, parents: new Parents(parents), report }),
  )
  await modules.ready
  return modules
}
