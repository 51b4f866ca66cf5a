import type { AdminEndpoint } from './answer.ts'
import { configDump } from './config-dump.ts'
import { healthMetrics } from './health-metrics.ts'
import { flows } from './flows.ts'
import { generations } from './generations.ts'
import { health } from './health.ts'
import { indexList } from './index-list.ts'
import { ledger } from './ledger.ts'
import { metrics } from './metrics.ts'
import { modules } from './modules.ts'
import { page } from './page.ts'
import { ready } from './ready.ts'
import { reload } from './reload.ts'
import { routes } from './routes.ts'
import { upstreams } from './upstreams.ts'
import { why } from './why.ts'

/** Everything that the admin address answers. */
export function adminEndpoints(): readonly AdminEndpoint[] {
  const endpoints: AdminEndpoint[] = [
    health,
    ready,
    metrics,
    healthMetrics,
    generations,
    reload,
    configDump,
    routes,
    upstreams,
    modules,
    flows,
    ledger,
    why,
  ]
  endpoints.push(indexList(endpoints), page(endpoints))
  return endpoints
}

/** The endpoint of a path and what stands for its `{id}`; null where there is none. */
export function findEndpoint(
  endpoints: readonly AdminEndpoint[],
  path: string,
): { endpoint: AdminEndpoint; id: string } | null {
  for (const endpoint of endpoints) {
    if (endpoint.path === path) return { endpoint, id: '' }
    const start = endpoint.path.indexOf('{')
    if (start < 0 || !path.startsWith(endpoint.path.slice(0, start))) continue
    const id = path.slice(start)
    if (/^[\w.~-]+$/.test(id)) return { endpoint, id }
  }
  return null
}
