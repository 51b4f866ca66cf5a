import type { MeasuredLatency } from '../latency.ts'
import type { Section } from '../section.ts'
import { median, pairedRatio } from '../statistics.ts'
import { grouped, table } from '../table.ts'
import { atMost } from '../target.ts'

const of = (each: MeasuredLatency, key: 'p50' | 'p99' | 'p999' | 'ownP99'): number[] =>
  each.rounds.map((round) => round[key])

/** Latency at one arrival rate as a table, with nginx as the measure. */
export function latencySection(
  all: readonly MeasuredLatency[],
  left: readonly string[],
  rate: number,
  rounds: number,
  seconds: number,
): Section {
  const nginx = all.find((each) => each.contender === 'nginx')
  const turnpike = all.find((each) => each.contender === 'turnpike')
  const rows = all.map((each) => [
    each.contender,
    ...(['p50', 'p99', 'p999'] as const).map((key) => median(of(each, key)).toFixed(3)),
    nginx === undefined ? '' : `${pairedRatio(of(each, 'p99'), of(nginx, 'p99')).toFixed(2)}×`,
    median(of(each, 'ownP99')).toFixed(3),
    String(each.rounds.reduce((sum, round) => sum + round.errors, 0)),
  ])
  const missing = left.length === 0 ? '' : ` Left out, because that is more than they can serve: ${left.join(', ')}.`
  return {
    title: 'latency: small GET at a fixed arrival rate',
    note: `${grouped(rate)} requests/s, half of nginx's peak above; milliseconds from the intended send time (\`bench/load/fixed-rate\`); median of ${rounds} interleaved rounds of ${seconds} s.${missing}`,
    body: table(['', 'p50 ms', 'p99 ms', 'p99.9 ms', 'p99 to nginx', "generator's own p99", 'errors'], rows),
    targets:
      nginx === undefined || turnpike === undefined
        ? []
        : [atMost('latency: p99, to nginx', pairedRatio(of(turnpike, 'p99'), of(nginx, 'p99')), 1.5, '×', 2)],
  }
}
