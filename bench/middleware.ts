import assert from 'node:assert/strict'
import { scryptSync } from 'node:crypto'
import path from 'node:path'
import type { ConfigInput } from '../src/config/config.ts'
import type { Peer } from '../test/support/peers/spawn-peer.ts'
import { startTurnpike } from './contenders/turnpike.ts'
import { runWrk } from './load/wrk.ts'
import type { Options } from './options.ts'
import { smallBody, startOrigin } from './origin.ts'
import { cpuMicroseconds, pinnedTo, PROXY_CORE } from './processes.ts'
import type { Section } from './section.ts'
import { median, pairedRatio, range } from './statistics.ts'
import { table } from './table.ts'
import { atMost } from './target.ts'
import { LEAD_IN_SECONDS } from './throughput.ts'

const PATH = '/live/index.html'
const tenant = path.resolve(import.meta.dirname, '../examples/gateway/tenant.ts')
const authorization = { Authorization: `Basic ${Buffer.from('alice:secret').toString('base64')}` }

/** Each variant by name: what it does to the route that everything takes. */
const variants: Readonly<Record<string, (config: ConfigInput) => ConfigInput>> = {
  'bare route': (config) => config,
  headers: (config) => using(config, ['edge-headers']),
  rateLimit: (config) => using(config, ['per-client']),
  'all of them': (config) =>
    using(config, ['edge-headers', 'per-client', { stripPrefix: { prefix: '/live' } }, 'office-only', 'staff', tenant]),
}

type Use = NonNullable<NonNullable<ConfigInput['gateway']>['use']>

function using(config: ConfigInput, use: Use): ConfigInput {
  return {
    ...config,
    middlewares: {
      'edge-headers': {
        headers: {
          request: { set: { 'x-edge': 'turnpike' }, remove: ['x-debug'] },
          response: { set: { 'strict-transport-security': 'max-age=31536000' }, remove: ['server'] },
        },
      },
      'per-client': { rateLimit: { rate: '1000000/s', burst: 1_000_000, by: 'clientIp' } },
      'office-only': { ipFilter: { allow: ['10.0.0.0/8', '127.0.0.0/8'] } },
      staff: { basicAuth: { users: { alice: passwordHash() } } },
    },
    gateway: { ...config.gateway!, use },
  }
}

/** The middleware of `examples/gateway/turnpike.yaml` against the same route without. */
export async function* benchMiddleware({ rounds, seconds }: Options): AsyncGenerator<Section> {
  const origin = await startOrigin()
  const running: { name: string; peer: Peer; cost: number[]; errors: number }[] = []
  try {
    const setup = { originPort: origin.port, routes: 0, tls: null, wrapper: pinnedTo(PROXY_CORE) }
    for (const [name, change] of Object.entries(variants)) {
      const peer = await startTurnpike(setup, { change })
      running.push({ name, peer, cost: [], errors: 0 })
      await prove(peer, name)
      await load(peer, 2)
    }
    for (let round = 0; round < rounds; round++) {
      for (let turn = 0; turn < running.length; turn++) {
        const each = running[(turn + round) % running.length]!
        await load(each.peer, LEAD_IN_SECONDS)
        const before = cpuMicroseconds(each.peer.pid)
        const { requests, errors } = await load(each.peer, seconds)
        each.cost.push((cpuMicroseconds(each.peer.pid) - before) / requests)
        each.errors += errors
      }
    }
  } finally {
    for (const { peer } of running) await peer.stop()
    await origin.stop()
  }
  const bare = running[0]!
  const rows = running.map(({ name, cost, errors }) => {
    const [lowest, highest] = range(cost)
    return [
      name,
      median(cost).toFixed(1),
      `${lowest.toFixed(1)} – ${highest.toFixed(1)}`,
      `${pairedRatio(cost, bare.cost).toFixed(2)}×`,
      String(errors),
    ]
  })
  yield {
    title: 'middleware: CPU per request, to the bare route',
    note: `Small GET as above, with the middleware of the gateway example: headers in both directions, a rate limit by client, stripPrefix, ipFilter, basicAuth, and one of the user's own; median of ${rounds} interleaved rounds of ${seconds} s.`,
    body: table(['', 'CPU µs/request', 'range', 'to the bare route', 'errors'], rows),
    targets: [
      atMost('middleware: all of them, to the bare route', pairedRatio(running.at(-1)!.cost, bare.cost), 1.25, '×', 2),
    ],
  }
}

/** The reply is the origin's, and shows the middleware where there is some. */
async function prove(peer: Peer, name: string): Promise<void> {
  const reply = await fetch(`http://127.0.0.1:${peer.port}${PATH}`, { headers: authorization })
  assert.equal(await reply.text(), smallBody, name)
  assert.equal(reply.status, 200, name)
  if (name !== 'all of them') return
  assert.equal(reply.headers.get('strict-transport-security'), 'max-age=31536000')
  assert.ok(reply.headers.has('ratelimit'))
  const refused = await fetch(`http://127.0.0.1:${peer.port}${PATH}`)
  assert.equal(refused.status, 401)
}

function load(peer: Peer, seconds: number): ReturnType<typeof runWrk> {
  return runWrk({
    port: peer.port,
    tls: false,
    method: 'GET',
    paths: [PATH],
    bodyLength: 0,
    connections: 64,
    seconds,
    headers: authorization,
  })
}

/** As PHC string: what `basicAuth` takes. */
function passwordHash(): string {
  const salt = Buffer.from('0123456789abcdef')
  const hash = scryptSync('secret', salt, 32, { N: 2 ** 14, r: 8, p: 1 })
  return `$scrypt$ln=14,r=8,p=1$${base64(salt)}$${base64(hash)}`
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}
