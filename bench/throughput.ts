import { existsSync } from 'node:fs'
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
export interface Rounds {
  contender: string
  requestsPerSecond: number[]
  cpuMicrosecondsPerRequest: number[]
  /** Share of its core that it used: below 0.95 something else was the limit. */
  busy: number[]
  /** All rounds together. */
  errors: number
}

export interface Measured extends Rounds {
  scenario: string
}

/** Loads each in turn, round by round; each round begins with another one, so that none always follows the same neighbour. */
export async function loadInTurns<T extends { peer: Peer; measured: Rounds }>(
  running: readonly T[],
  { rounds, seconds }: { rounds: number; seconds: number },
  loadOne: (each: T, seconds: number) => ReturnType<typeof runWrk>,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < running.length; turn++) {
      const each = running[(turn + round) % running.length]!
      const { peer, measured } = each
      await loadOne(each, LEAD_IN_SECONDS)
      if (!existsSync(`/proc/${peer.pid}`))
        throw new Error(`${measured.contender} ended: ${peer.output().slice(-2000)}`)
      const before = cpuMicroseconds(peer.pid)
      const result = await loadOne(each, seconds)
      const used = cpuMicroseconds(peer.pid) - before
      measured.requestsPerSecond.push((result.requests / result.microseconds) * 1e6)
      measured.cpuMicrosecondsPerRequest.push(used / result.requests)
      measured.busy.push(used / result.microseconds)
      measured.errors += result.errors
    }
  }
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
    await loadInTurns(running, options, ({ peer, scenario }, seconds) => load(peer, scenario, seconds))
  } finally {
    for (const { peer } of running) await peer.stop()
  }
  return running.map(({ measured }) => measured)
}

function load(peer: Peer, scenario: Scenario, seconds: number): ReturnType<typeof runWrk> {
  const { tls, method, paths, bodyLength, connections } = scenario
  return runWrk({ port: peer.port, tls, method, paths, bodyLength, connections, seconds })
}
