import type { TestContext } from 'node:test'
import type { ConfigInput } from '../../src/config/config.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import type { Message } from '../support/message.ts'
import { answering, ok, startOrigin, type Origin } from '../support/origin.ts'

export type Use = NonNullable<NonNullable<ConfigInput['gateway']>['use']>

interface Through {
  gateway: TestGateway
  origin: Origin
}

/** A gateway whose one route goes through `use` to a service that does what `answer` says. */
export async function through(
  t: TestContext,
  use: Use,
  answer: (request: Message) => string = () => ok('hello'),
  config: Partial<ConfigInput> = {},
): Promise<Through> {
  const origin = await startOrigin(t, answering(answer))
  const gateway = await startGateway(t, {
    config: {
      gateway: {
        use,
        routes: [{ name: 'all', match: { path: '/**' }, to: 'app' }],
        upstreams: { app: { endpoints: [origin.url] } },
      },
      ...config,
    },
  })
  return { gateway, origin }
}
