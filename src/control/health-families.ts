import type { EndpointHealth } from '../upstream/health/endpoint-health.ts'
import { labelText, type Exposition } from './exposition.ts'

/** What is known of the endpoints that the config names now: the series of others go with them (W18). */
export function healthFamilies(out: Exposition, endpoints: Iterable<EndpointHealth>, now: number): void {
  const labelled = [...endpoints].map((health) => ({
    health,
    labels: { upstream: health.upstream, endpoint: health.url },
  }))
  const family = (name: string, type: 'gauge' | 'counter', help: string, value: (health: EndpointHealth) => number) => {
    out.family(name, type, help)
    for (const { health, labels } of labelled) out.sample(name, labelText(labels), value(health))
  }
  family('turnpike_endpoint_up', 'gauge', 'Whether it is fit: up by its probes, and not ejected.', (health) =>
    Number(health.available(now)),
  )
  family('turnpike_endpoint_ejections_total', 'counter', 'Ejections by passive health.', ({ ejections }) => ejections)
  out.family('turnpike_probes_total', 'counter', 'Health probes that ended.')
  for (const { health, labels } of labelled) {
    for (const [result, count] of Object.entries(health.probes)) {
      if (count > 0) out.sample('turnpike_probes_total', labelText({ ...labels, result }), count)
    }
  }
  const duration = 'turnpike_probe_duration_seconds'
  out.family(duration, 'summary', 'How long health probes took.')
  for (const { health, labels } of labelled) {
    const count = Object.values(health.probes).reduce((sum, each) => sum + each, 0)
    if (count === 0) continue
    out.sample(`${duration}_sum`, labelText(labels), health.probeSeconds)
    out.sample(`${duration}_count`, labelText(labels), count)
  }
}
