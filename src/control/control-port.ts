import type { Ledger } from '../engine/ledger.ts'
import type { MiddlewareEvent } from '../engine/middleware/middleware-events.ts'
import type { ClusterView } from '../upstream/describe-cluster.ts'
import type { EndpointHealth } from '../upstream/health/endpoint-health.ts'
import type { AccessRecord } from './access-log.ts'
import type { LoopDelays } from './loop-delay.ts'
import type { Metrics } from './metrics.ts'
import type { ReloadHistory, ReloadReport } from './reload-history.ts'

/** The config as it runs. */
export interface ConfigDump {
  /** Hash of the whole config: two processes with the same one serve alike. */
  revision: string
  /** Where it came from: a file's path, or what made it. */
  source: string
  /** Milliseconds since 1970. */
  loadedAt: number
  /** The tree, JSON-ready; secrets may still stand in it as `Secret`, which shows as `[secret]`. */
  tree: unknown
}

/** What would be decided of a request now. */
export interface Explanation {
  /** The route that would serve it, null for none. */
  route: string | null
  /** The cause code of the refusal, where it would be refused. */
  refusal: string | null
  /** Routes that would not, and why. */
  losers: { route: string; reason: string }[]
}

/** What passes the forward proxy, as it is recorded: each flow a HAR entry, as a JSON text in one line. */
export interface FlowFeed {
  /** The last ones, the oldest first. */
  readonly recent: readonly string[]
  /** Each one once it is over, until `ended`. Call what is returned to hear no more. */
  watch(watcher: { flow(entry: string): void; ended(): void }): () => void
}

/** All that the admin address shows, from whoever runs the engine. Nothing here changes anything but `reload`. */
export interface ControlPort {
  readonly version: string
  readonly metrics: Metrics
  readonly ledger: Ledger
  readonly reloads: ReloadHistory
  readonly middlewareEvents: Iterable<MiddlewareEvent>
  /** Milliseconds on the world's clock, and since 1970. */
  now(): number
  wallClock(): number
  /** Why no traffic should be sent here now, one short reason each; empty when ready. */
  readiness(): string[]
  config(): ConfigDump
  /** Reads the config again; null where it came from nowhere. */
  reload(): Promise<ReloadReport> | null
  /** In the order in which they are tried. */
  routes(): unknown
  /** With their endpoints, and the state of those. */
  upstreams(): ClusterView[]
  /** The module proxy: its chain, store and checksum databases; null where there is none. */
  modules(): Promise<unknown>
  /** The recorded flows of the forward proxy; null where nothing is recorded. */
  flows(): FlowFeed | null
  /** Of every endpoint that the config names, each once. */
  endpointHealth(): Iterable<EndpointHealth>
  /** Lines of the access log that were not written. */
  logDropped(): number
  loopDelay(): LoopDelays
  /** The access log's line of a request, null where it is no longer known. */
  find(requestId: string): AccessRecord | null
  /** What `turnpike explain` says today of such a request. */
  explain(line: AccessRecord): Explanation | null
}
