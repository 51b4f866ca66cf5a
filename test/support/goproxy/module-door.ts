import type { TestContext } from 'node:test'
import type { ConfigInput } from '../../../src/config/config.ts'
import { startGateway, type GatewayOptions, type LogLine, type TestGateway } from '../gateway.ts'
import { ask } from '../raw-client.ts'
import type { Message } from '../message.ts'
import type { ModuleFixture } from './module-fixtures.ts'
import { startProxyPeer, type ProxyPeer } from './proxy-origin.ts'

type GoproxyInput = NonNullable<ConfigInput['goproxy']>

export interface ModuleDoorOptions {
  /** What the only member of the chain has. */
  modules?: readonly ModuleFixture[]
  /** The `goproxy` block. Default: that chain, no checksum database. */
  goproxy?: Partial<GoproxyInput>
  listener?: GatewayOptions['listener']
  /** The rest of the config. */
  config?: Partial<ConfigInput>
}

/** A line of the access log, with what module requests add. */
export interface ModuleLogLine extends LogLine {
  route?: string
  upstream?: string
  cache?: string
  decisions?: { by: string; outcome: string; tookMs: number }[]
}

export interface ModuleDoor extends Omit<TestGateway, 'logged'> {
  /** Resolves with the log when that many exchanges have ended. */
  logged(count: number): Promise<ModuleLogLine[]>
  url: string
  /** The only member of the chain. */
  peer: ProxyPeer
  ask(path: string, fields?: string, method?: string): Promise<Message>
  /** Resolves when no zip is on its way any more: a client has all of one just before the store has. */
  settled(): Promise<void>
  /** The last line of the access log, when that many exchanges have ended. */
  line(count: number): Promise<ModuleLogLine>
}

/** Starts a module proxy on a free port, with a chain of one member; both end with the test. */
export async function startModules(t: TestContext, options: ModuleDoorOptions = {}): Promise<ModuleDoor> {
  const { modules = [], goproxy = {}, listener = {}, config = {} } = options
  const peer = await startProxyPeer(t, { modules })
  const door = await startGateway(t, {
    listener: { door: 'goproxy', ...listener },
    config: {
      // Below a gateway route of another listener too.
      gateway: { routes: [{ name: 'mounted', match: { path: '/go/**' }, to: { goproxy: { mount: '/go' } } }] },
      goproxy: { chain: peer.url, sumdb: 'off', guard: { allow: ['127.0.0.0/8'] }, ...goproxy },
      ...config,
    },
  })
  return {
    ...door,
    url: `http://127.0.0.1:${door.port}`,
    peer,
    ask: (path, fields = '', method = 'GET') =>
      ask(door.port, `${method} ${path} HTTP/1.1\r\nHost: modules.test\r\n${fields}\r\n`, method),
    settled: () => door.when(() => door.count('stagedFiles') === 0, 'zips to be kept'),
    async line(count) {
      const lines: ModuleLogLine[] = await door.logged(count)
      return lines[count - 1]!
    },
  }
}
