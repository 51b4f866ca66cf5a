import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { ConfigInput } from '../src/config/config.ts'
import { portOf } from '../test/support/peers/free-port.ts'
import type { Peer } from '../test/support/peers/spawn-peer.ts'
import { startTurnpike } from './contenders/turnpike.ts'
import { buildFixedRate, runFixedRate, type Latencies } from './load/fixed-rate.ts'
import type { Options } from './options.ts'
import { pinnedTo, PROXY_CORE } from './processes.ts'
import type { Section } from './section.ts'
import { median, pairedRatio } from './statistics.ts'
import { table } from './table.ts'
import { atLeast } from './target.ts'

const FAST_MS = 4
const SLOW_MS = 40
const RATE = 1_000
const balances = ['roundRobin', 'leastConnections', 'random', 'peakEwma'] as const

/** How well each balancer keeps requests from one of four endpoints that is ten times slower. */
export async function* benchBalance({ rounds, seconds }: Options): AsyncGenerator<Section> {
  const program = buildFixedRate()
  if (program === null) throw new Error('bench balance needs Go, for its load generator')
  const services = await Promise.all([SLOW_MS, FAST_MS, FAST_MS, FAST_MS].map((delayMs) => startService(delayMs)))
  const endpoints = services.map(({ server }) => `http://127.0.0.1:${portOf(server)}`)
  const running: { balance: string; peer: Peer; latencies: Latencies[]; slow: number; all: number }[] = []
  try {
    const setup = { originPort: 0, routes: 0, tls: null, wrapper: pinnedTo(PROXY_CORE) }
    for (const balance of balances) {
      const change = (config: ConfigInput): ConfigInput => ({
        ...config,
        gateway: { ...config.gateway!, upstreams: { app: { endpoints, balance } } },
      })
      const peer = await startTurnpike(setup, { change })
      running.push({ balance, peer, latencies: [], slow: 0, all: 0 })
      await runFixedRate(program, peer.port, RATE, 1)
    }
    for (let round = 0; round < rounds; round++) {
      for (let turn = 0; turn < running.length; turn++) {
        const each = running[(turn + round) % running.length]!
        const before = services.map(({ count }) => count)
        each.latencies.push(await runFixedRate(program, each.peer.port, RATE, seconds))
        const served = services.map(({ count }, at) => count - before[at]!)
        each.slow += served[0]!
        each.all += served.reduce((sum, count) => sum + count, 0)
      }
    }
  } finally {
    for (const { peer } of running) await peer.stop()
    for (const { server } of services) server.close().closeAllConnections()
  }
  const p99 = (wanted: string): number[] =>
    running.find(({ balance }) => balance === wanted)!.latencies.map((each) => each.p99)
  yield {
    title: 'balance: one of four endpoints ten times slower',
    note: `Endpoints that answer after ${FAST_MS} ms, one after ${SLOW_MS} ms; ${RATE} requests/s at a fixed rate; median of ${rounds} interleaved rounds of ${seconds} s.`,
    body: table(
      ['', 'p50 ms', 'p99 ms', 'p99, of roundRobin', 'sent to the slow one', 'errors'],
      running.map(({ balance, latencies, slow, all }) => [
        balance,
        median(latencies.map((each) => each.p50)).toFixed(1),
        median(latencies.map((each) => each.p99)).toFixed(1),
        `${pairedRatio(p99(balance), p99('roundRobin')).toFixed(2)}×`,
        `${((100 * slow) / all).toFixed(1)} %`,
        String(latencies.reduce((sum, each) => sum + each.errors, 0)),
      ]),
    ),
    targets: [
      atLeast('balance: p99 of roundRobin, to that of peakEwma', pairedRatio(p99('roundRobin'), p99('peakEwma')), 3),
    ],
  }
}

interface Service {
  server: Server
  count: number
}

async function startService(delayMs: number): Promise<Service> {
  const server = createServer((_request, response) => {
    service.count++
    setTimeout(() => response.end('x'.repeat(100)), delayMs)
  })
  const service: Service = { server, count: 0 }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return service
}
