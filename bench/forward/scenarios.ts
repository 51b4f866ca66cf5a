import assert from 'node:assert/strict'
import type { Peer } from '../../test/support/peers/spawn-peer.ts'
import { runTunnels, type TunnelPlan } from '../load/tunnels.ts'
import { runWrk, type WrkResult } from '../load/wrk.ts'
import { loadInTurns, type Rounds } from '../throughput.ts'
import type { ForwardContender } from './contenders.ts'

const MEGABYTE = 1_000_000

/** Who stands behind the proxies. */
export interface Targets {
  program: string
  /** Bytes, by their first one. */
  tunnelPort: number
  tlsPort: number
  /** Plain HTTP. */
  httpPort: number
  /** Folder of the authority for interception. */
  authority: string
}

export interface ForwardScenario {
  name: string
  title: string
  /** What is counted. */
  unit: string
  does: ForwardContender['does'][number]
  load(contender: ForwardContender, peer: Peer, targets: Targets, seconds: number): Promise<WrkResult>
}

function relay(work: 'down' | 'up', connections: number): ForwardScenario['load'] {
  return async ({ via }, { port }, { program, tunnelPort }, seconds) => {
    const plan: TunnelPlan = { proxyPort: port, targetPort: tunnelPort, via, work, connections, seconds }
    const { bytes, microseconds, errors } = await runTunnels(program, plan)
    return { requests: bytes / MEGABYTE, microseconds, errors }
  }
}

export const forwardScenarios: readonly ForwardScenario[] = [
  {
    name: 'down',
    title: 'bytes through 4 tunnels, from the target',
    unit: 'MB',
    does: 'relay',
    load: relay('down', 4),
  },
  { name: 'up', title: 'bytes through 4 tunnels, to the target', unit: 'MB', does: 'relay', load: relay('up', 4) },
  {
    name: 'tunnels',
    title: 'tunnels opened, used for 100 bytes and closed, 64 at a time',
    unit: 'tunnel',
    does: 'open',
    async load({ via }, { port }, { program, tunnelPort }, seconds) {
      const plan = { proxyPort: port, targetPort: tunnelPort, via, work: 'open', connections: 64, seconds } as const
      const { count, microseconds, errors } = await runTunnels(program, plan)
      return { requests: count, microseconds, errors }
    },
  },
  {
    name: 'plain',
    title: 'plain requests, 100-byte replies, 64 connections',
    unit: 'request',
    does: 'plain',
    load: ({ closes }, { port }, { httpPort }, seconds) =>
      runWrk({
        port,
        tls: false,
        method: 'GET',
        paths: [`http://127.0.0.1:${httpPort}/index.html`],
        bodyLength: 0,
        connections: 64,
        seconds,
        headers: { Host: `127.0.0.1:${httpPort}` },
        closes: closes === true,
      }),
  },
  {
    name: 'intercept',
    title: 'requests on TLS that is looked into, 16 connections',
    unit: 'request',
    does: 'intercept',
    async load({ via }, { port }, { program, tlsPort }, seconds) {
      const plan = { proxyPort: port, targetPort: tlsPort, via, work: 'https', connections: 16, seconds } as const
      const { count, microseconds, errors } = await runTunnels(program, plan)
      return { requests: count, microseconds, errors }
    },
  },
]

/** Every contender that does it: each is proved by a short run without errors, then loaded in turn, round by round. */
export async function measureForward(
  scenario: ForwardScenario,
  contenders: readonly ForwardContender[],
  targets: Targets,
  options: { rounds: number; seconds: number },
): Promise<Rounds[]> {
  const running: { contender: ForwardContender; peer: Peer; measured: Rounds }[] = []
  const authority = scenario.does === 'intercept' ? targets.authority : null
  try {
    for (const contender of contenders.filter(({ does }) => does.includes(scenario.does))) {
      const peer = await contender.start({ targetPort: targets.tunnelPort, authority })
      const measured = {
        contender: contender.name,
        requestsPerSecond: [],
        cpuMicrosecondsPerRequest: [],
        busy: [],
        errors: 0,
      }
      running.push({ contender, peer, measured })
      const { requests, errors } = await scenario.load(contender, peer, targets, 1)
      assert.ok(requests > 0 && errors === 0, `${contender.name}, ${scenario.name}: ${requests} done, ${errors} errors`)
    }
    await loadInTurns(running, options, ({ contender, peer }, seconds) =>
      scenario.load(contender, peer, targets, seconds),
    )
  } finally {
    for (const { peer } of running) await peer.stop()
  }
  return running.map(({ measured }) => measured)
}
