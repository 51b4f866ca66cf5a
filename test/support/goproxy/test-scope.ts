import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { createEngine } from '../../../src/engine/engine.ts'
import { ledgerKinds, type LedgerKind } from '../../../src/engine/ledger.ts'
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
    // A destroyed socket says that it is closed a turn later.
    for (let turn = 0; turn < 100 && alive(services).length > 0; turn++)
      await new Promise((resolve) => setTimeout(resolve, 2))
    assert.deepEqual(alive(services), [])
  })
  return { services, scope }
}

/** The engine's own wheel keeps its timer while it has something to look at. */
function alive({ ledger }: EngineServices): LedgerKind[] {
  return ledgerKinds.filter((kind) => kind !== 'timers' && ledger.count(kind) > 0)
}
