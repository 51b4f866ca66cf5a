import { readFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { z } from 'zod'
import { goproxySchema, type GoproxyConfig } from '../../../src/doors/goproxy/config.ts'
import { Chain } from '../../../src/doors/goproxy/origin/chain.ts'
import type { Ask, ModuleOrigin } from '../../../src/doors/goproxy/origin/module-origin.ts'
import { Trail } from '../../../src/doors/goproxy/origin/trail.ts'
import { PooledHttpClient } from '../../../src/engine/client/pooled-http-client.ts'
import { Parents } from '../../../src/engine/dial/parents.ts'
import type { Notify } from '../../../src/engine/services.ts'
import { FixtureOrigin } from './fixture-origin.ts'
import { testScope, type TestScope } from './test-scope.ts'

export interface TestChain extends TestScope {
  chain: Chain
  /** What stands for `direct`. */
  direct: ModuleOrigin
  /** What was told to the log. */
  notes: { level: string; message: string; fields: Readonly<Record<string, unknown>> }[]
  ask: () => Ask & { trail: Trail }
}

/** A chain of its own engine, with that config; it ends with the test. `direct` has no modules unless it is given. */
export function testChain(
  t: TestContext,
  config: z.input<typeof goproxySchema>,
  direct: ModuleOrigin = new FixtureOrigin([]),
): TestChain {
  const { services, scope } = testScope(t)
  const notes: TestChain['notes'] = []
  const notify: Notify = (level, message, fields) => void notes.push({ level, message, fields })
  services.notify = notify
  const checked: GoproxyConfig = goproxySchema.parse(config)
  for (const { tls } of Object.values(checked.upstreams)) {
    for (const file of [tls.ca, tls.cert, tls.key]) file?.fill(file.path, readFileSync(file.path, 'utf8'))
  }
  const http = new PooledHttpClient(services, 'test', scope)
  const chain = new Chain({ config: checked, http, direct, parents: new Parents({}), scope, services })
  return {
    services,
    scope,
    chain,
    direct,
    notes,
    ask: () => ({ signal: AbortSignal.timeout(20_000), trail: new Trail() }),
  }
}
