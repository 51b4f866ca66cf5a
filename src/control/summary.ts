import { ledgerKinds } from '../engine/ledger.ts'
import type { ControlPort } from './control-port.ts'
import { Histogram } from './histogram.ts'
import { readProcessFacts } from './process-facts.ts'

/** The numbers that matter most, since the start unless said otherwise. */
export interface Summary {
  uptimeSeconds: number
  requests: {
    total: number
    inFlight: number
    /** Answered with 5xx. */
    failed: number
    /** Share of `failed` among all, 0 to 1. */
    errorRate: number
    p50Ms: number
    p99Ms: number
    bytesIn: number
    bytesOut: number
  }
  connections: { accepted: number; open: number }
  /** Alive now, by kind. */
  ledger: Record<string, number>
  /** Over the last ten seconds or more. */
  eventLoopDelayMs: { p50: number; p99: number; max: number }
  memory: { residentBytes: number; heapUsedBytes: number }
  logDropped: number
}

export async function readSummary(port: ControlPort): Promise<Summary> {
  const { metrics, ledger } = port
  const facts = await readProcessFacts(() => port.wallClock())
  const duration = new Histogram()
  let failed = 0
  let bytesIn = 0
  let bytesOut = 0
  for (const series of metrics.series) {
    duration.add(series.duration)
    failed += series.requests.at(-1)!
    bytesIn += series.bytesIn
    bytesOut += series.bytesOut
  }
  let accepted = 0
  for (const [, count] of metrics.accepts()) accepted += count
  const total = duration.count
  const delay = port.loopDelay()
  return {
    uptimeSeconds: Math.max(0, port.wallClock() / 1000 - facts.startedAt),
    requests: {
      total,
      inFlight: ledger.count('exchanges'),
      failed,
      errorRate: total === 0 ? 0 : failed / total,
      p50Ms: duration.quantile(0.5) * 1000,
      p99Ms: duration.quantile(0.99) * 1000,
      bytesIn,
      bytesOut,
    },
    connections: { accepted, open: ledger.count('clientSockets') },
    ledger: Object.fromEntries(ledgerKinds.map((kind) => [kind, ledger.count(kind)])),
    eventLoopDelayMs: { p50: delay.p50 * 1000, p99: delay.p99 * 1000, max: delay.max * 1000 },
    memory: { residentBytes: facts.residentBytes, heapUsedBytes: facts.heapUsedBytes },
    logDropped: port.logDropped(),
  }
}
