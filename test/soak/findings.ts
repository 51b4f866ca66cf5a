import type { SoakResult } from './soak.ts'
import type { Sample } from './subject.ts'

const MIB = 1024 * 1024
/** What compiled code, warm caches and histograms of routes may take after the first seconds. */
const HEAP_SLACK_BYTES = 8 * MIB

/** Everything about a soak that should not be; empty where all is well. */
export function findings({ before, samples, after, loads, exitCode, errors }: SoakResult): string[] {
  const found: string[] = []
  for (const { tally } of loads) if (tally.failed > 0) found.push(`FAILED: ${tally.failed} × ${tally.name}`)
  for (const kind of new Set([...Object.keys(before.ledger), ...Object.keys(after.ledger)])) {
    const was = before.ledger[kind] ?? 0
    const is = after.ledger[kind] ?? 0
    if (is > was) found.push(`LEAK: ${kind} in the ledger: ${was} before, ${is} after`)
  }
  if (after.sockets > before.sockets) found.push(`LEAK: sockets: ${before.sockets} before, ${after.sockets} after`)
  // The first third warms up.
  const settled = samples.slice(Math.floor(samples.length / 3))
  const lowest = Math.min(...settled.map(({ heapBytes }) => heapBytes))
  if (settled.length > 0 && after.heapBytes > lowest + HEAP_SLACK_BYTES) {
    found.push(`LEAK: heap: ${mib(lowest)} under load, ${mib(after.heapBytes)} at rest afterwards`)
  }
  if (grows(settled)) found.push(`LEAK: the heap grows: ${settled.map(({ heapBytes }) => mib(heapBytes)).join(', ')}`)
  if (exitCode !== 0) found.push(`it ended with ${exitCode}: ${errors}`)
  return found
}

/** The last quarter's lowest is clearly above the first quarter's highest: more than noise. */
function grows(samples: readonly Sample[]): boolean {
  const quarter = Math.floor(samples.length / 4)
  if (quarter === 0) return false
  const heaps = samples.map(({ heapBytes }) => heapBytes)
  return Math.min(...heaps.slice(-quarter)) > Math.max(...heaps.slice(0, quarter)) + HEAP_SLACK_BYTES
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`
}
