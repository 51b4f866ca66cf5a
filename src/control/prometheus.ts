import { ledgerKinds } from '../engine/ledger.ts'
import type { ControlPort } from './control-port.ts'
import { boundText, Exposition, labelText, type ExpositionFormat } from './exposition.ts'
import { healthFamilies } from './health-families.ts'
import { bucketBounds, type Histogram } from './histogram.ts'
import { codeClasses, type Series } from './metrics.ts'
import type { ProcessFacts } from './process-facts.ts'
import { upstreamFamilies } from './upstream-families.ts'
import { reloadResults } from './reload-history.ts'

const PIECE_CHARACTERS = 65_536

/** Everything that is counted, as Prometheus reads it, in pieces of some 64 KiB. */
export function* prometheusText(port: ControlPort, facts: ProcessFacts, format: ExpositionFormat): Generator<string> {
  const out = new Exposition(format)
  const { metrics, ledger } = port
  const labelled = metrics.series.map((series) => ({ series, labels: seriesLabels(series) }))

  out.family('turnpike_requests_total', 'counter', 'Requests that ended, by class of the status sent.')
  for (const { series, labels } of labelled) {
    for (const [at, code] of codeClasses.entries()) {
      const count = series.requests[at]!
      if (count > 0) out.sample('turnpike_requests_total', `${labels},code="${code}"`, count)
    }
    if (out.length > PIECE_CHARACTERS) yield out.take()
  }
  out.family('turnpike_request_duration_seconds', 'histogram', 'From the first byte of a request to its end.')
  for (const { series, labels } of labelled) {
    histogram(out, 'turnpike_request_duration_seconds', labels, series.duration)
    if (out.length > PIECE_CHARACTERS) yield out.take()
  }
  out.family('turnpike_first_byte_seconds', 'histogram', 'From the first byte of a request to that of its reply.')
  for (const { series, labels } of labelled) {
    histogram(out, 'turnpike_first_byte_seconds', labels, series.firstByte)
    if (out.length > PIECE_CHARACTERS) yield out.take()
  }
  for (const [name, help, value] of sums) {
    out.family(name, 'counter', help)
    for (const { series, labels } of labelled) out.sample(name, labels, value(series))
    yield out.take()
  }
  out.family('turnpike_requests_in_flight', 'gauge', 'Requests that have a route and have not ended.')
  for (const [route, count] of metrics.inFlight())
    out.sample('turnpike_requests_in_flight', labelText({ route }), count)
  out.family('turnpike_errors_total', 'counter', 'Requests that ended with an error, by cause code and who failed.')
  for (const [code, source, count] of metrics.errorCounts()) {
    out.sample('turnpike_errors_total', labelText({ code, source }), count)
  }
  out.family('turnpike_middleware_events_total', 'counter', 'What middleware counted, by its name and the event.')
  for (const { middleware, event, count } of port.middlewareEvents) {
    out.sample('turnpike_middleware_events_total', labelText({ middleware, event }), count)
  }
  healthFamilies(out, port.endpointHealth(), port.now())
  upstreamFamilies(out, port.upstreams())
  yield out.take()
  out.family('turnpike_connections_accepted_total', 'counter', 'Connections that clients opened.')
  for (const [listener, count] of metrics.accepts()) {
    out.sample('turnpike_connections_accepted_total', labelText({ listener }), count)
  }
  single(
    out,
    'turnpike_series_overflow_total',
    'counter',
    'Requests counted as other: too many label sets.',
    metrics.overflow,
  )
  single(out, 'turnpike_log_dropped_total', 'counter', 'Access log lines that could not be written.', port.logDropped())
  out.family('turnpike_ledger', 'gauge', 'Live things, by kind.')
  for (const kind of ledgerKinds) out.sample('turnpike_ledger', labelText({ kind }), ledger.count(kind))
  reloads(out, port)
  loopDelay(out, port)
  out.family('turnpike_build_info', 'gauge', 'Always 1; the version is in the label.')
  out.sample('turnpike_build_info', labelText({ version: port.version }), 1)
  processMetrics(out, facts)
  out.end()
  yield out.take()
}

const sums: readonly [string, string, (series: Series) => number][] = [
  ['turnpike_received_bytes_total', 'Bytes of request bodies.', (series) => series.bytesIn],
  ['turnpike_sent_bytes_total', 'Bytes of reply bodies.', (series) => series.bytesOut],
  ['turnpike_retries_total', 'Times that a request was sent again.', (series) => series.retries],
]

function seriesLabels({ route, upstream, endpoint }: Series): string {
  return labelText({ route, upstream, endpoint })
}

function histogram(out: Exposition, name: string, labels: string, { counts, sum }: Histogram): void {
  let below = 0
  for (const [at, bound] of bucketBounds.entries()) {
    below += counts[at]!
    out.sample(`${name}_bucket`, `${labels},le="${boundText(bound)}"`, below)
  }
  below += counts.at(-1)!
  out.sample(`${name}_bucket`, `${labels},le="+Inf"`, below)
  out.sample(`${name}_sum`, labels, sum)
  out.sample(`${name}_count`, labels, below)
}

function reloads(out: Exposition, { reloads: { counts, successful, since, generation } }: ControlPort): void {
  out.family('turnpike_config_reloads_total', 'counter', 'Reloads, by how they ended.')
  for (const result of reloadResults) {
    out.sample('turnpike_config_reloads_total', labelText({ result }), counts[result])
  }
  single(out, 'turnpike_config_last_reload_successful', 'gauge', '0 while the config is refused.', successful ? 1 : 0)
  single(out, 'turnpike_config_applied_timestamp_seconds', 'gauge', 'When the config was put in place.', since / 1000)
  single(out, 'turnpike_config_generation', 'gauge', 'Which config it is since the start.', generation)
}

function loopDelay(out: Exposition, port: ControlPort): void {
  const name = 'turnpike_event_loop_delay_seconds'
  const { p50, p90, p99, max, sum, count } = port.loopDelay()
  out.family(name, 'summary', 'How late the event loop ran a timer, over the last ten seconds or more.')
  for (const [quantile, value] of Object.entries({ '0.5': p50, '0.9': p90, '0.99': p99, '1.0': max })) {
    out.sample(name, labelText({ quantile }), value)
  }
  out.sample(`${name}_sum`, '', sum)
  out.sample(`${name}_count`, '', count)
}

function processMetrics(out: Exposition, facts: ProcessFacts): void {
  single(out, 'process_cpu_seconds_total', 'counter', 'User and system time.', facts.cpuSeconds)
  single(out, 'process_resident_memory_bytes', 'gauge', 'Resident memory.', facts.residentBytes)
  single(out, 'process_start_time_seconds', 'gauge', 'When the process started, since 1970.', facts.startedAt)
  if (facts.openFds >= 0) single(out, 'process_open_fds', 'gauge', 'Open file descriptors.', facts.openFds)
  single(out, 'nodejs_heap_size_used_bytes', 'gauge', 'Heap in use.', facts.heapUsedBytes)
  single(out, 'nodejs_heap_size_total_bytes', 'gauge', 'Heap reserved.', facts.heapTotalBytes)
  single(out, 'nodejs_external_memory_bytes', 'gauge', 'Memory outside the heap that it holds.', facts.externalBytes)
}

function single(out: Exposition, name: string, type: 'counter' | 'gauge', help: string, value: number): void {
  out.family(name, type, help)
  out.sample(name, '', value)
}
