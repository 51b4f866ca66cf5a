import type { AccessRecord } from './control/access-log.ts'
import type { ControlPort, Explanation } from './control/control-port.ts'
import type { LoopDelay } from './control/loop-delay.ts'
import { version } from './control/version.ts'
import { dumpConfig } from './config/dump.ts'
import { normalisePath } from './policy/normalise-path.ts'
import type { Turnpike } from './turnpike.ts'
import { describeCluster } from './upstream/describe-cluster.ts'

/** A running Turnpike as the admin address shows it. */
export function controlView(turnpike: Turnpike, loopDelay: LoopDelay): ControlPort {
  const { services, metrics, log, history } = turnpike
  const { world, ledger, middlewareEvents } = services
  return {
    version: version(),
    metrics,
    ledger,
    reloads: history,
    middlewareEvents,
    now: () => world.now(),
    wallClock: () => world.wallClock(),
    readiness: () => turnpike.notReady(),
    config: () => ({
      revision: turnpike.loaded.revision,
      source: turnpike.loaded.source.file,
      loadedAt: history.since,
      tree: dumpConfig(turnpike.loaded.config),
    }),
    reload: () => turnpike.reread('api'),
    routes: () => turnpike.generation.router.routes.map((route) => describeRoute(route)),
    upstreams: () => [...turnpike.generation.clusters.values()].map((cluster) => describeCluster(cluster)),
    modules: async () => (await turnpike.generation.moduleFacts()) ?? null,
    flows: () => turnpike.generation.flows,
    endpointHealth: () =>
      new Set(
        [...turnpike.generation.clusters.values()].flatMap(({ members }) =>
          members.map(({ endpoint }) => endpoint.health),
        ),
      ),
    logDropped: () => log.dropped,
    loopDelay: () => loopDelay.read(),
    find: (id) => log.find(id),
    explain: (line) => explainLine(turnpike, line),
  }
}

type RouteOf = Turnpike['generation']['router']['routes'][number]

function describeRoute({ name, priority, host, path, conditions, rank }: RouteOf): unknown {
  return {
    rank,
    name,
    priority,
    host: host.text,
    path: path.text,
    pathKind: path.kind,
    conditions: conditions.map(String),
  }
}

/** What would be decided today of a request that the log remembers, its header fields and query aside. */
function explainLine(
  { generation }: Turnpike,
  { method, host, path, listener, destination }: AccessRecord,
): Explanation | null {
  if (typeof method !== 'string' || typeof path !== 'string' || path === '') return null
  // Only a gateway has routes.
  if (typeof listener === 'string' && generation.doorOf(listener) !== generation) return null
  if (destination === 'sni') {
    const stream = generation.streams.find(String(listener), String(host))
    return { route: stream?.name ?? null, refusal: stream === null ? 'ERR_NO_ROUTE' : null, losers: [] }
  }
  const target = normalisePath(path)
  const { winner, refusal, losers } = generation.router.explain({
    listener: typeof listener === 'string' ? listener : '',
    host: typeof host === 'string' ? host : '',
    method,
    path: target.matchPath,
    laxPath: target.laxPath,
    header: () => undefined,
    query: () => undefined,
  })
  return {
    route: winner === null ? null : winner.name,
    refusal: refusal?.code ?? null,
    losers: losers.map(({ route, reason }) => ({ route: route.name, reason })),
  }
}
