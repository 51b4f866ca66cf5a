import type { TestContext } from 'node:test'
import type { ConfigInput } from '../../../src/config/config.ts'
import type { World } from '../../../src/engine/world.ts'
import { startGateway, type TestGateway } from '../gateway.ts'

type Config<K extends keyof ConfigInput> = NonNullable<ConfigInput[K]>

/** What tests reach is on this machine: the guard lets them, unless one is given. */
const loopbackAllowed = { allow: ['127.0.0.0/8', '::1/128'] }

/**
 * Starts a forward proxy with one listener, `web`, on a free port, tunnels to every port allowed. At the end of the
 * test it is stopped, and the ledger must be back where it was.
 */
export function startForward(
  t: TestContext,
  forward: Partial<Config<'forward'>> = {},
  {
    listener = {},
    config = {},
    world,
  }: { listener?: Partial<Config<'listeners'>[string]>; config?: Partial<ConfigInput>; world?: World } = {},
): Promise<TestGateway> {
  return startGateway(t, {
    listener: { door: 'forward', ...listener },
    config: {
      gateway: { routes: [] },
      forward: { connectPorts: 'any', guard: loopbackAllowed, ...forward },
      ...config,
    },
    ...(world && { world }),
  })
}
