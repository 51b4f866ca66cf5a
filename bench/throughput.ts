import type { Peer } from '../test/support/peers/spawn-peer.ts'
import type { CertificateFiles } from './certificate.ts'
import type { Contender } from './contenders/contender.ts'
import { runWrk } from './load/wrk.ts'
import { cpuMicroseconds, pinnedTo, PROXY_CORE } from './processes.ts'
import { proveForwarding, proveReply } from './prove.ts'
import type { Scenario } from './scenarios.ts'

/**
 * Load of each turn that is not measured: the turns of the others leave half a minute between two of one
 * contender's, and steady load is what is compared, not waking from a pause or opening connections.
 */
export const LEAD_IN_SECONDS = 1

/** What one contender did, one entry a round. */
export interface Measured {
  scenario: string
  contender: string
  requestsPerSecond: number[]
  cpuMicrosecondsPerRequest: number[]
  /** Share of its core that it used: below 0.95 something else was the limit. */
  busy: number[]
  /** All rounds together. */
  errors: number
}

/**
 * Every contender in every scenario of a group: each is proved, then loaded in turn, round by round.
 * Scenarios that are compared with each other belong in one group, so that their rounds are paired too.
 */
export async function measureThroughput(
  group: readonly Scenario[],
  contenders: readonly Contender[],
  originPort: number,
  certificate: CertificateFiles,
  options: { rounds: number; seconds: number },
): Promise<Measured[]> {
  const running: { scenario: Scenario; peer: Peer; measured: Measured }[] = []
  const pairs = contenders.flatMap((contender) =>
    group.filter(({ routes }) => contender.routes || routes === 0).map((scenario) => ({ contender, scenario })),
  )
  try {
    for (const { contender, scenario } of pairs) {
      const tls = scenario.tls ? certificate.files : null
      const setup = { routes: scenario.routes, tls, wrapper: pinnedTo(PROXY_CORE) }
      await proveForwarding(contender, setup, scenario)
      const peer = await contender.start({ ...setup, originPort })
      const measured = {
        scenario: scenario.name,
        contender: contender.name,
        requestsPerSecond: [],
        cpuMicrosecondsPerRequest: [],
        busy: [],
        errors: 0,
      }
      running.push({ scenario, peer, measured })
      await proveReply(contender.name, peer.port, scenario)
    }
    for (let round = 0; round < options.rounds; round++) {
      // Each round begins with another contender, so that none always follows the same neighbour.
      for (let turn = 0; turn < running.length; turn++) {
        const { scenario, peer, measured } = running[(turn + round) % running.length]!
        await load(peer, scenario, LEAD_IN_SECONDS)
        const before = cpuMicroseconds(peer.pid)
        const result = await load(peer, scenario, options.seconds)
        const used = cpuMicroseconds(peer.pid) - before
        measured.requestsPerSecond.push((result.requests / result.microseconds) * 1e6)
        measured.cpuMicrosecondsPerRequest.push(used / result.requests)
        measured.busy.push(used / result.microseconds)
        measured.errors += result.errors
      }
    }
  } finally {
    for (const { peer } of running) await peer.stop()
  }
  return running.map(({ measured }) => measured)
}

function load(peer: Peer, scenario: Scenario, seconds: number): ReturnType<typeof runWrk> {
  const { tls, method, paths, bodyLength, connections } = scenario
  return runWrk({ port: peer.port, tls, method, paths, bodyLength, connections, seconds })
}
