import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { createEngine } from '../../../src/engine/engine.ts'
import type { LedgerKind } from '../../../src/engine/ledger.ts'
import { realWorld } from '../../../src/engine/real-world.ts'
import { Scope } from '../../../src/engine/scope.ts'
import type { EngineServices } from '../../../src/engine/services.ts'
import type { World } from '../../../src/engine/world.ts'
import { SharedStates } from '../../../src/engine/shared-states.ts'

export interface TestScope {
  services: EngineServices
  scope: Scope
}

/**
 * An engine without listeners and a scope of it. At the end of the test the scope is closed, no task may have failed,
 * and of every kind as many are alive as before.
 */
export function testScope(t: TestContext, world: World = realWorld()): TestScope {
  const services = createEngine({ world, observer: { routed() {}, finished() {} }, pseudonym: 'test' })
  const errors: unknown[] = []
  const scope = new Scope({
    world: services.world,
    ledger: services.ledger,
    states: new SharedStates(),
    onError: (error) => errors.push(error),
  })
  t.after(async () => {
    await scope.close()
    assert.deepEqual(errors, [])
    const live = Object.entries(services.ledger.snapshot()).filter(([, { live: count }]) => count !== 0)
    // The engine's own wheel keeps its timer while it has something to look at.
    assert.deepEqual(
      live.map(([kind]) => kind as LedgerKind).filter((kind) => kind !== 'timers'),
      [],
    )
  })
  return { services, scope }
}
