import type { Peer } from '../test/support/peers/spawn-peer.ts'
import type { Contender } from './contenders/contender.ts'
import { runFixedRate, type Latencies } from './load/fixed-rate.ts'
import { pinnedTo, PROXY_CORE } from './processes.ts'

export interface MeasuredLatency {
  contender: string
  /** One a round. */
  rounds: Latencies[]
}

/** Latency of small GETs at one arrival rate for all, in interleaved rounds. */
export async function measureLatency(
  program: string,
  rate: number,
  contenders: readonly Contender[],
  originPort: number,
  options: { rounds: number; seconds: number },
): Promise<MeasuredLatency[]> {
  const running: { peer: Peer; measured: MeasuredLatency }[] = []
  try {
    for (const contender of contenders) {
      const peer = await contender.start({ originPort, routes: 0, tls: null, wrapper: pinnedTo(PROXY_CORE) })
      running.push({ peer, measured: { contender: contender.name, rounds: [] } })
      await runFixedRate(program, peer.port, rate, 1)
    }
    for (let round = 0; round < options.rounds; round++) {
      for (let turn = 0; turn < running.length; turn++) {
        const { peer, measured } = running[(turn + round) % running.length]!
        measured.rounds.push(await runFixedRate(program, peer.port, rate, options.seconds))
      }
    }
  } finally {
    for (const { peer } of running) await peer.stop()
  }
  return running.map(({ measured }) => measured)
}
