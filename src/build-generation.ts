import type { Config } from './config/config.ts'
import type { Logger } from './control/logger.ts'
import type { ForwardConfig } from './doors/forward/config.ts'
import type { ForwardDoorOptions } from './doors/forward/forward-door.ts'
import { inSlices } from './engine/loop-slices.ts'
import type { Scope } from './engine/scope.ts'
import type { EngineServices } from './engine/services.ts'
import type { BindAddress } from './engine/world.ts'
import { Generation } from './generation.ts'
import { loadMiddlewareDefinitions } from './middleware-definitions.ts'
import { openModules } from './open-modules.ts'

/** What every generation of one Turnpike is built with. */
export interface BuildParts {
  services: EngineServices
  scope: Scope
  /** This instance's name where the config gives none. */
  pseudonym: string
  logger: Pick<Logger, 'error'>
  /** All that is listened on now. */
  ownAddresses: () => readonly BindAddress[]
}

/** Rejects with what the config's parts throw, with nothing left running. */
export async function buildGeneration(
  config: Config,
  parts: BuildParts,
): Promise<{ generation: Generation; scope: Scope }> {
  const { services, logger } = parts
  const scope = parts.scope.child()
  const { viaLine, pseudonym } = pseudonyms(config, parts.pseudonym)
  const report = (error: unknown): void => logger.error('a middleware failed', { error })
  const fails = (error: unknown): void => logger.error('the module proxy failed', { error })
  const proxyFails = (error: unknown): void => logger.error('the forward proxy failed', { error })
  const { goproxy, parents, forward } = config
  try {
    const steps = Generation.building(config, {
      services,
      middleware: await loadMiddlewareDefinitions(config),
      modules: goproxy === undefined ? null : await openModules({ goproxy, parents }, services, scope, fails),
      forward:
        forward === undefined
          ? null
          : await loadForward(
              forward,
              { ownAddresses: () => parts.ownAddresses(), report: proxyFails },
              scope,
              services,
            ),
      flows: await openFlows(forward, services, scope),
      via: viaLine === '' ? '' : pseudonym,
      scope,
      report,
    })
    return { generation: await inSlices(steps, services.world, parts.scope.signal), scope }
  } catch (error) {
    await scope.close()
    throw error
  }
}

/** Nothing of the forward proxy is loaded where it is not configured. */
async function loadForward(
  { intercept }: Pick<ForwardConfig, 'intercept'>,
  given: Pick<ForwardDoorOptions, 'ownAddresses' | 'report'>,
  scope: Scope,
  { world }: EngineServices,
) {
  const { ForwardDoor } = await import('./doors/forward/forward-door.ts')
  const leaves =
    intercept === undefined ? null : await (await import('./certs/open-leaves.ts')).openLeaves(intercept, scope, world)
  return (options: Omit<ForwardDoorOptions, keyof typeof given | 'leaves'>) =>
    new ForwardDoor({ ...options, ...given, leaves })
}

async function openFlows(forward: Config['forward'], services: EngineServices, scope: Scope) {
  if (forward?.record === undefined) return null
  const { openRecorder } = await import('./doors/forward/flows/open-recorder.ts')
  return await openRecorder(forward.record, services, scope)
}

/** RFC 9110 §7.6.3: a pseudonym; two instances in a row must not take each other for themselves (H14). */
export function pseudonyms({ via }: Config, own: string): Pick<EngineServices, 'pseudonym' | 'viaLine'> {
  const pseudonym = via === 'auto' || via === null ? own : via
  return { pseudonym, viaLine: via === null ? '' : `Via: 1.1 ${pseudonym}\r\n` }
}
