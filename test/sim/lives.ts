import { errorCodes } from '../../src/core/error-codes.ts'
import type { Exchange } from '../../src/engine/exchange.ts'
import type { BindAddress, DialAddress } from '../../src/engine/world.ts'
import { judge } from './judge.ts'
import type { Life } from './life.ts'
import { planLife, type ExchangePlan, type LifePlan } from './plan.ts'
import { SimClient } from './sim-client.ts'
import { simEngine, type SimEngine } from './sim-engine.ts'
import { SimOrigin } from './sim-origin.ts'
import { SimWorld, type DialOutcome } from './sim-world.ts'

/** What went wrong in a life, and what happened in it where that was asked for. */
export interface Verdict {
  violations: string[]
  trace: string[]
  /** How often each outcome came about. */
  outcomes: Map<string, number>
}

const ADDRESS: BindAddress = { kind: 'tcp', host: '127.0.0.1', port: 8080 }
/** Every timer of the engine has come long before. */
const LONGEST_MS = 60_000

const statuses = new Map(Object.entries(errorCodes).map(([code, { status }]) => [code, status]))

/** Runs one life from its seed. The same seed gives the same life. */
export async function runLife(seed: number, traced = false): Promise<Verdict> {
  const world = new SimWorld(seed)
  const plan = planLife(world.rng.fork())
  const verdict: Verdict = { violations: [], trace: [], outcomes: new Map() }
  const note = traced
    ? (what: () => string): void => void verdict.trace.push(`${world.now().toFixed(2)} ${what()}`)
    : (): void => {}
  const plans = new Map<number, ExchangePlan>()
  for (const client of plan.clients) for (const exchange of client.exchanges) plans.set(exchange.id, exchange)
  const life: Life = {
    world,
    plan,
    random: world.rng.fork(),
    address: ADDRESS,
    attempts: new Map(),
    drained: false,
    planOf: (id) => plans.get(id),
    violate: (what) => {
      verdict.violations.push(what)
      note(() => `VIOLATION ${what}`)
    },
    note,
  }
  note(() => `plan ${JSON.stringify(plan, null, 1)}`)
  // A fault of the engine's anywhere in a callback ends the life.
  try {
    await live(life, verdict)
  } catch (error) {
    life.violate(`exception: ${error instanceof Error ? error.stack : String(error)}`)
  }
  return verdict
}

async function live(life: Life, verdict: Verdict): Promise<void> {
  const { world, plan } = life
  const finished = new Set<Exchange>()
  const origin: DialAddress = plan.unixOrigin
    ? { kind: 'unix', path: '/run/origin.sock' }
    : { kind: 'tcp', host: plan.namedOrigin ? 'origin.example' : '192.0.2.1', port: 9000 }
  const engine = simEngine(world, observer(life, finished), ADDRESS, origin, plan.poolMax, plan.policies)
  prepareWorld(life)
  const bound = engine.listener.listen()
  await world.loop.run(() => engine.services.ledger.count('listeners') === 1)
  await bound
  if (plan.busy) {
    world.loop.busy = () => (life.random.chance(0.01) ? life.random.between(1, 3000) : 0)
    world.loop.lateness = () => life.random.next() * 40
  }
  const clients = plan.clients.map((client) => new SimClient(life, client))
  if (plan.drainsAtMs < Infinity) world.loop.ready(() => drain(life, engine), plan.drainsAtMs)
  const done = await world.loop.run(() => clients.every((client) => client.isDone), world.now() + LONGEST_MS)
  if (!done) life.violate('H20: silence: a client waits for ever')
  for (const [index, client] of clients.entries()) {
    judge(life, plan.clients[index]!, client.sights)
    for (const { outcome } of client.sights) verdict.outcomes.set(outcome, (verdict.outcomes.get(outcome) ?? 0) + 1)
    for (const sight of client.sights) {
      if (!sight.outcome.startsWith('ERR')) continue
      const status = statuses.get(sight.outcome)
      if (sight.status !== status) life.violate(`${sight.outcome} came as ${sight.status}, not ${status}`)
    }
  }
  await end(life, engine)
}

/** Closes everything; then nothing may be left. */
async function end(life: Life, engine: SimEngine): Promise<void> {
  const { world } = life
  world.loop.busy = () => 0
  drain(life, engine)
  await engine.scope.close()
  await world.loop.run(() => false, world.now() + LONGEST_MS)
  for (const { endpoint } of engine.cluster.members)
    if (endpoint.inFlight !== 0) life.violate(`${endpoint.inFlight} tries never ended`)
  const admitted = engine.cluster.admission?.inFlight ?? 0
  if (admitted !== 0) life.violate(`${admitted} exchanges are still let in`)
  for (const [kind, { live: left }] of Object.entries(engine.services.ledger.snapshot())) {
    if (left !== 0) life.violate(`the ledger holds ${left} ${kind} after everything was closed`)
  }
  if (world.openSockets !== 0) life.violate(`${world.openSockets} sockets are open after everything was closed`)
  if (!world.loop.isSleeping) life.violate('something is still going on after everything was closed')
}

function drain(life: Life, engine: SimEngine): void {
  life.drained = true
  life.world.loop.owesTicks = true
  life.note(() => 'drain')
  void engine.listener.close()
  engine.server.drain(() => {})
}

function observer(life: Life, finished: Set<Exchange>): Parameters<typeof simEngine>[1] {
  return {
    routed: () => {},
    finished: (exchange) => {
      life.note(() => `engine: ${exchange.method} ${exchange.target} over, ${exchange.error?.code ?? exchange.status}`)
      if (finished.has(exchange)) life.violate(`${exchange.target} finished twice`)
      finished.add(exchange)
    },
  }
}

function prepareWorld(life: Life): void {
  const { world, plan, random } = life
  world.onDial = () => dialOutcome(life, plan)
  world.onResolve = () => {
    if (plan.dialTrouble === 'unknown-name' && random.chance(0.5)) return { code: 'ENOTFOUND', delayMs: 3 }
    const delayMs = plan.dialTrouble === 'slow-name' && random.chance(0.5) ? 5000 : random.between(0, 5)
    return {
      addresses: [
        { address: '192.0.2.1', family: 4 },
        { address: '2001:db8::1', family: 6 },
      ],
      delayMs,
    }
  }
}

function dialOutcome(life: Life, plan: LifePlan): DialOutcome {
  const { random } = life
  if (random.chance(0.5)) {
    if (plan.dialTrouble === 'refuses') return { kind: 'fails', code: 'ECONNREFUSED', delayMs: 1 }
    if (plan.dialTrouble === 'descriptors') return { kind: 'fails', code: 'EMFILE', delayMs: 0 }
    if (plan.dialTrouble === 'unroutable') return { kind: 'fails', code: 'EHOSTUNREACH', delayMs: 20 }
    if (plan.dialTrouble === 'hangs') return { kind: 'hangs' }
  }
  return {
    kind: 'connects',
    style: plan.originStyle,
    delayMs: random.between(0, 4),
    accept: (far) => void new SimOrigin(life, far),
  }
}
