import type { Config } from './config/config.ts'
import type { GoproxyConfig } from './doors/goproxy/config.ts'
import { openModuleServices, type ModuleServices } from './doors/goproxy/module-services.ts'
import { Trail } from './doors/goproxy/origin/trail.ts'
import { Parents } from './engine/dial/parents.ts'
import { createEngine } from './engine/engine.ts'
import { realWorld } from './engine/real-world.ts'
import { Scope } from './engine/scope.ts'
import { SharedStates } from './engine/shared-states.ts'

/** What is kept of a version once it was fetched. */
export interface KeptVersion {
  modH1: string
  /** Null where the zip was not asked for. */
  zipH1: string | null
}

/** A module proxy without a door, for commands that fetch as it does, beside the one that serves. */
export interface ModuleSession extends AsyncDisposable {
  /** Has a version kept, with its zip where that is asked for; a query is resolved first. Rejects with a TurnpikeError. */
  keep(module: string, query: string, withZip: boolean, signal: AbortSignal): Promise<KeptVersion>
}

/** Opens what a config describes. Rejects with a TurnpikeError. */
export async function openModuleSession(
  { goproxy, parents }: { goproxy: GoproxyConfig; parents: Config['parents'] },
  notify: (message: string) => void,
): Promise<ModuleSession> {
  const world = realWorld()
  const services = createEngine({
    world,
    observer: { routed() {}, finished() {} },
    pseudonym: 'turnpike',
    notify: (_level, message) => notify(message),
  })
  const scope = new Scope({
    world,
    ledger: services.ledger,
    states: new SharedStates(),
    onError: (error) => notify(error instanceof Error ? error.message : String(error)),
  })
  // Timers of a world keep no process alive, and to wait for a lock is nothing else.
  const alive = new MessageChannel()
  alive.port1.ref()
  const close = async (): Promise<void> => {
    await scope.close()
    alive.port1.close()
  }
  try {
    const modules = await openModuleServices(goproxy, { services, scope, parents: new Parents(parents) })
    return {
      keep: (module, query, withZip, signal) => keepVersion(modules, module, query, withZip, signal),
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function keepVersion(
  { library, store }: ModuleServices,
  module: string,
  query: string,
  withZip: boolean,
  signal: AbortSignal,
): Promise<KeptVersion> {
  const ask = { signal, trail: new Trail(), fetch: true }
  const { bytes } = query === 'latest' ? await library.latest(module, ask) : await library.info(module, query, ask)
  // The library has checked that it is an .info.
  const { Version: version }: { Version: string } = JSON.parse(bytes.toString('utf8'))
  await library.mod(module, version, ask)
  if (withZip) {
    const answer = await library.zip(module, version, ask)
    try {
      await answer.whole
    } finally {
      await answer.close()
    }
  }
  const stored = await store.get(module, version)
  return { modH1: stored!.modH1, zipH1: stored!.zip?.h1 ?? null }
}
