import type { TestContext } from 'node:test'
import { TurnpikeError } from '../../../src/core/error.ts'
import { goproxySchema, type GoproxyConfig } from '../../../src/doors/goproxy/config.ts'
import { StoreCoordination } from '../../../src/doors/goproxy/coordination/store-coordination.ts'
import type { LibraryAsk, ZipAnswer } from '../../../src/doors/goproxy/library/answer.ts'
import type { LibraryParts } from '../../../src/doors/goproxy/library/library-parts.ts'
import { ModuleLibrary } from '../../../src/doors/goproxy/library/module-library.ts'
import type { ModuleOrigin } from '../../../src/doors/goproxy/origin/module-origin.ts'
import { Trail } from '../../../src/doors/goproxy/origin/trail.ts'
import { ModulePolicy } from '../../../src/doors/goproxy/policy/module-policy.ts'
import { MemoryStore } from '../../../src/doors/goproxy/store/memory-store.ts'
import type { ModuleStore } from '../../../src/doors/goproxy/store/module-store.ts'
import { ZipChecker } from '../../../src/doors/goproxy/zip/zip-checker.ts'
import type { EngineServices } from '../../../src/engine/services.ts'
import type { World } from '../../../src/engine/world.ts'
import type { Scope } from '../../../src/engine/scope.ts'
import { ModulePatterns } from '../../../src/gomod/module-pattern.ts'
import { testScope } from './test-scope.ts'

/** What a test says of a library. */
export interface TestLibraryPlan {
  origin: ModuleOrigin
  /** The `goproxy` block. Default: {}. */
  config?: Record<string, unknown>
  /** Default: in memory. */
  store?: (parts: { services: EngineServices; scope: Scope }) => ModuleStore | Promise<ModuleStore>
  /** Parts that are other than usual. */
  parts?: Partial<LibraryParts>
  /** The clock that it goes by. Default: the real one. */
  clock?: TestClock
}

/** A clock that a test moves. */
export class TestClock {
  aheadMs = 0
}

export interface TestLibrary {
  library: ModuleLibrary
  config: GoproxyConfig
  services: EngineServices
  scope: Scope
  store: ModuleStore
  /** What people were told. */
  notes: { level: string; message: string; fields: Readonly<Record<string, unknown>> }[]
}

/** A library with a real store, a real checker and a real policy; nothing is verified by a checksum database. */
export async function testLibrary(t: TestContext, plan: TestLibraryPlan): Promise<TestLibrary> {
  const { services: real, scope } = testScope(t)
  const notes: TestLibrary['notes'] = []
  const { clock } = plan
  const { world } = real
  const services: EngineServices = {
    ...real,
    notify: (level, message, fields) => notes.push({ level, message, fields }),
    world: clock === undefined ? world : movedWorld(world, clock),
  }
  const config = goproxySchema.parse(plan.config ?? {})
  const open =
    plan.store ?? ((parts) => new MemoryStore({ maxSize: 1 << 28 }, { ...parts, pinned: new ModulePatterns([]) }))
  const store = await open({ services, scope })
  const library = new ModuleLibrary({
    config,
    services,
    scope,
    store,
    origin: plan.origin,
    trust: null,
    ages: null,
    checker: new ZipChecker({ scope, world: services.world, ledger: services.ledger }),
    policy: new ModulePolicy(config, services.world),
    log: null,
    coordination: new StoreCoordination(store.documents),
    ...plan.parts,
  })
  return { library, config, services, scope, store, notes }
}

function movedWorld(world: World, clock: TestClock): World {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what has it for a prototype is one
  return Object.create(world, {
    now: { value: () => world.now() + clock.aheadMs },
    wallClock: { value: () => world.wallClock() + clock.aheadMs },
  }) as World
}

/** A question that nobody gives up. */
export function ask(overrides: Partial<LibraryAsk> = {}): LibraryAsk {
  return { fetch: true, signal: new AbortController().signal, trail: new Trail(), ...overrides }
}

/** Reads a zip to its end, until it is kept, and closes it. */
export async function readZip(answer: ZipAnswer): Promise<Buffer> {
  const pieces: Buffer[] = []
  try {
    for (let position = 0; ;) {
      const into = Buffer.allocUnsafe(65_536)
      const length = await answer.file.read(into, position)
      if (length === 0) break
      pieces.push(into.subarray(0, length))
      position += length
    }
    await answer.whole
    return Buffer.concat(pieces)
  } finally {
    await answer.close()
  }
}

/** The code of what a promise rejects with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'none'
  } catch (error) {
    return error instanceof TurnpikeError ? error.code : String(error)
  }
}
