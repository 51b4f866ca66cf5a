import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { z } from 'zod'
import type { EngineServices } from '../../src/engine/services.ts'
import { createEngine } from '../../src/engine/engine.ts'
import { ledgerKinds } from '../../src/engine/ledger.ts'
import { realWorld } from '../../src/engine/real-world.ts'
import { Scope } from '../../src/engine/scope.ts'
import { SharedStates } from '../../src/engine/shared-states.ts'
import { UpstreamTls } from '../../src/engine/tls/upstream-tls.ts'
import type { World } from '../../src/engine/world.ts'
import { upstreamSchema } from '../../src/upstream/config.ts'
import { endpointHealth, type EndpointHealth } from '../../src/upstream/health/endpoint-health.ts'
import { HealthMonitor } from '../../src/upstream/health/health-monitor.ts'

type HealthInput = NonNullable<z.input<typeof upstreamSchema>['health']>
export type EndpointInput = z.input<typeof upstreamSchema>['endpoints'][number]
export type ActiveInput = NonNullable<HealthInput['active']>
export type PassiveInput = NonNullable<HealthInput['passive']>

/** One config's view of the upstream's health. */
export interface Generation {
  monitor: HealthMonitor
  /** In the order of the endpoints. */
  healths: EndpointHealth[]
  close: () => Promise<void>
}

export interface Monitored {
  services: EngineServices
  /** What the operational log is told. */
  notices: string[]
  /** Comes beside what is there, as a reload does; the older one closes when told. */
  generation: (endpoints: EndpointInput[], health: HealthInput, ca?: string, http2?: boolean) => Generation
}

/** An engine without listeners, to run health in. When the test is over everything is closed, and nothing may be left. */
export function startMonitored(t: TestContext, world: World = realWorld()): Monitored {
  const notices: string[] = []
  const services = createEngine({
    world,
    observer: { routed() {}, finished() {} },
    notify: (level, message, { endpoint, reason }) =>
      notices.push(`${level} ${message}: ${String(endpoint)} ${String(reason)}`),
    pseudonym: 'test',
  })
  const errors: unknown[] = []
  const root = {
    world,
    ledger: services.ledger,
    states: new SharedStates(),
    onError: (error: unknown) => errors.push(error),
  }
  const scopes: Scope[] = []
  t.after(async () => {
    await Promise.all(scopes.map((scope) => scope.close()))
    await until(() => living(services).length === 0, 'the ledger to be empty', 2_000).catch(() => {})
    assert.deepEqual(living(services), [])
    assert.deepEqual(errors, [])
  })
  return {
    services,
    notices,
    generation(endpoints, health, ca, http2 = false) {
      const config = upstreamSchema.parse({ endpoints, health })
      const scope = new Scope(root)
      scopes.push(scope)
      const members = config.endpoints.map((endpoint) => ({
        endpoint,
        health: endpointHealth(scope, 'app', endpoint.url, services),
      }))
      const security = new UpstreamTls({ minVersion: '1.2', verify: true, http2, ...(ca !== undefined && { ca }) })
      const monitor = new HealthMonitor(
        { config: config.health!, members, tls: config.tls, security, http2, parents: null, services },
        scope,
      )
      return { monitor, healths: members.map((member) => member.health), close: () => scope.close() }
    },
  }
}

function living({ ledger }: EngineServices): string[] {
  return ledgerKinds.filter((kind) => ledger.count(kind) !== 0)
}

/** Resolves when `ready` is true, looked at every two milliseconds. */
export async function until(ready: () => boolean, what: string, patienceMs = 10_000): Promise<void> {
  const start = performance.now()
  while (!ready()) {
    if (performance.now() - start > patienceMs) throw new Error(`waited for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** How many probes of an endpoint have ended. */
export const probed = ({ probes }: EndpointHealth): number =>
  probes.passed + probes.failed + probes.timeout + probes.unknown
