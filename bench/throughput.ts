import type { Peer } from '../test/support/peers/spawn-peer.ts'
import type { CertificateFiles } from './certificate.ts'
import type { Contender } from './contenders/contender.ts'
import { runWrk } from './load/wrk.ts'
import { cpuMicroseconds, pinnedTo, PROXY_CORE } from './processes.ts'
import { proveForwarding, proveReply } from './prove.ts'
import type { Scenario } from './scenarios.ts'

/** What one contender did, one entry a round. */
export interface Measured {
  contender: string
  requestsPerSecond: number[]
  cpuMicrosecondsPerRequest: number[]
  /** Share of its core that it used: below 0.95 something else was the limit. */
  busy: number[]
  /** All rounds together. */
  errors: number
}

/** All contenders of one scenario: each is proved, then loaded in turn, round by round. */
export async function measureThroughput(
  scenario: Scenario,
  contenders: readonly Contender[],
  originPort: number,
  certificate: CertificateFiles,
  options: { rounds: number; seconds: number },
): Promise<Measured[]> {
  const setup = { routes: scenario.routes, tls: scenario.tls ? certificate : null, wrapper: pinnedTo(PROXY_CORE) }
  const taking = contenders.filter((contender) => contender.routes || scenario.routes === 0)
  const running: { contender: Contender; peer: Peer; measured: Measured }[] = []
  try {
    for (const contender of taking) {
      await proveForwarding(contender, setup, scenario)
      const peer = await contender.start({ ...setup, originPort })
      const measured = {
        contender: contender.name,
        requestsPerSecond: [],
        cpuMicrosecondsPerRequest: [],
        busy: [],
        errors: 0,
      }
      running.push({ contender, peer, measured })
      await proveReply(contender.name, peer.port, scenario)
      await load(peer, scenario, 1)
    }
    for (let round = 0; round < options.rounds; round++) {
      // Each round begins with another contender, so that none always follows the same neighbour.
      for (let turn = 0; turn < running.length; turn++) {
        const { peer, measured } = running[(turn + round) % running.length]!
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
