import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { ConfigInput } from '../../src/config/config.ts'
import { AccessLines } from '../../src/control/access-line.ts'
import type { LedgerKind } from '../../src/engine/ledger.ts'
import type { World } from '../../src/engine/world.ts'
import { createTurnpike, type Turnpike } from '../../src/turnpike.ts'
import { connectRaw } from './raw-client.ts'
import type { RawPeer } from './raw-peer.ts'

/** What a test looks at in a line of the access log. */
export interface LogLine {
  id: string
  status: number
  cause?: string
  phase?: string
  route?: string
  path: string
  method: string
  protocol: string
  client: string
  user?: string
  endpoint?: string
  attempts?: number
  reused?: boolean
  queueMs?: number
  failedAttempts?: { endpoint: string; cause: string; afterMs: number }[]
  bytesIn: number
  bytesOut: number
}

export interface TestGateway {
  port: number
  turnpike: Turnpike
  /** Lines so far, in the order in which their exchanges ended. */
  log: LogLine[]
  /** Resolves with the log when that many exchanges have ended. */
  logged(count: number): Promise<LogLine[]>
  connect(): Promise<RawPeer>
  count(kind: LedgerKind): number
  /** Resolves when `ready` is true, looked at once a turn. */
  when(ready: () => boolean, what: string): Promise<void>
}

type Config<K extends keyof ConfigInput> = NonNullable<ConfigInput[K]>
type GatewayInput = Config<'gateway'>
type UpstreamInput = NonNullable<GatewayInput['upstreams']>[string]

export interface GatewayOptions {
  /** Endpoints of the one upstream; none where `config.gateway` says it all. */
  to?: (number | string)[]
  upstream?: Partial<UpstreamInput>
  listener?: Partial<Config<'listeners'>[string]>
  config?: Partial<ConfigInput>
  /** Default: the real one. */
  world?: World
}

const PATIENCE_MS = 5_000

/**
 * Starts a gateway with one listener on a free port. At the end of the test it is stopped, and the
 * ledger must be back where it was: no exchange before the stop, nothing at all after it.
 */
export async function startGateway(t: TestContext, options: GatewayOptions = {}): Promise<TestGateway> {
  const { to = [], upstream = {}, listener = {}, config = {}, world } = options
  const endpoints = to.map((each) => (typeof each === 'number' ? `http://127.0.0.1:${each}` : each))
  const turnpike = await createTurnpike(
    {
      listeners: { web: { address: '127.0.0.1:0', door: 'gateway', ...listener } },
      gateway: { routes: [{ name: 'all', to: 'app' }], upstreams: { app: { endpoints, ...upstream } } },
      admin: 'off',
      log: { access: 'off' },
      ...config,
    },
    world === undefined ? {} : { world },
  )
  const bound = turnpike.addresses.get('web')!
  const port = bound.kind === 'tcp' ? bound.port : 0
  const { ledger, observer, requestIds } = turnpike.services
  const log: LogLine[] = []
  const lines = new AccessLines(requestIds)
  const finished = observer.finished.bind(observer)
  let wake: (() => void) | null = null
  observer.finished = (exchange) => {
    finished(exchange)
    const line: LogLine = JSON.parse(lines.of(exchange))
    log.push(line)
    wake?.()
  }
  const clients: RawPeer[] = []
  const count = (kind: LedgerKind): number => ledger.count(kind)
  t.after(async () => {
    for (const { socket } of clients) socket.destroy()
    await turnTill(() => count('exchanges') === 0, 'no exchange to be left')
    await turnpike.stop(0)
    await assertLedgerBaseline(turnpike)
  })
  return {
    port,
    turnpike,
    log,
    count,
    async logged(wanted) {
      const late = setTimeout(() => wake?.(), PATIENCE_MS)
      const start = performance.now()
      while (log.length < wanted) {
        assert.ok(performance.now() - start < PATIENCE_MS, `waited for ${wanted} lines, got ${JSON.stringify(log)}`)
        await new Promise<void>((resolve) => (wake = resolve))
      }
      clearTimeout(late)
      return log
    },
    async connect() {
      const client = await connectRaw(port)
      clients.push(client)
      return client
    },
    when: turnTill,
  }
}

/** Fails where something that was counted is alive in a stopped Turnpike. */
export async function assertLedgerBaseline({ services }: Turnpike): Promise<void> {
  const kinds = [
    'exchanges',
    'clientSockets',
    'upstreamSockets',
    'datagramSockets',
    'tunnels',
    'dials',
    'poolWaiters',
    'timers',
  ] as const
  const live = (): Record<string, number> =>
    Object.fromEntries(
      kinds.map((kind) => [kind, services.ledger.count(kind)] as const).filter(([, left]) => left !== 0),
    )
  // A destroyed socket says that it is closed a turn later.
  await turnTill(() => Object.keys(live()).length === 0, '', 1_000).catch(() => {})
  assert.deepEqual(live(), {}, 'the ledger is not back at its baseline')
}

async function turnTill(ready: () => boolean, what: string, patienceMs = PATIENCE_MS): Promise<void> {
  const start = performance.now()
  while (!ready()) {
    if (performance.now() - start > patienceMs) throw new Error(`waited for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
