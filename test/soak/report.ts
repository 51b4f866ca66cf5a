import type { Load } from './loads.ts'
import type { Sample } from './subject.ts'
import { trendOf } from './trend.ts'

const MIB = 1024 * 1024

const columns: readonly [title: string, value: (sample: Sample) => string][] = [
  ['seconds', ({ seconds }) => seconds.toFixed(0)],
  ['reloads', ({ reloads }) => String(reloads)],
  ['sockets', ({ sockets }) => String(sockets)],
  ['exchanges', ({ ledger }) => String(ledger.exchanges ?? 0)],
  ['tunnels', ({ ledger }) => String(ledger.tunnels ?? 0)],
  ['timers', ({ ledger }) => String(ledger.timers ?? 0)],
  ['generations', ({ ledger }) => String(ledger.generations ?? 0)],
  ['heap MiB', ({ heapBytes }) => (heapBytes / MIB).toFixed(1)],
  ['external MiB', ({ externalBytes }) => (externalBytes / MIB).toFixed(1)],
  ['resident MiB', ({ residentBytes }) => (residentBytes / MIB).toFixed(0)],
  ['loop p99 ms', ({ loopDelayMs }) => loopDelayMs.p99.toFixed(1)],
  ['loop max ms', ({ loopDelayMs }) => loopDelayMs.max.toFixed(1)],
]

export const header = columns.map(([title]) => title).join('  ')

export function sampleLine(sample: Sample): string {
  return columns.map(([title, value]) => value(sample).padStart(title.length)).join('  ')
}

const watched: readonly [what: string, unit: string, value: (sample: Sample) => number][] = [
  ['sockets', '', ({ sockets }) => sockets],
  ['everything in the ledger', '', ({ ledger }) => Object.values(ledger).reduce((sum, count) => sum + count, 0)],
  ['heap', 'MiB', ({ heapBytes }) => heapBytes / MIB],
  ['resident memory', 'MiB', ({ residentBytes }) => residentBytes / MIB],
  ['event-loop delay, p99', 'ms', ({ loopDelayMs }) => loopDelayMs.p99],
]

/** How each figure moved, by a line fitted through the samples. */
export function trendLines(samples: readonly Sample[]): string[] {
  return watched.map(([what, unit, value]) => {
    const { slope, fit } = trendOf(samples.map((sample) => [sample.seconds / 60, value(sample)] as const))
    const perMinute = `${slope >= 0 ? '+' : ''}${slope.toFixed(2)} ${unit}`.trim()
    return `${what}: ${perMinute} a minute (R² ${fit.toFixed(2)})`
  })
}

export function loadLines(loads: readonly Load[]): string[] {
  return loads.flatMap(({ tally: { name, done, failed, failures } }) => [
    `${name}: ${done} done, ${failed} failed`,
    ...failures.map((failure) => `    ${failure}`),
  ])
}
