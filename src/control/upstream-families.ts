import type { ClusterView } from '../upstream/describe-cluster.ts'
import { labelText, type Exposition } from './exposition.ts'

/** What the config's upstreams are doing now: the series of others go with them (W18). */
export function upstreamFamilies(out: Exposition, clusters: readonly ClusterView[]): void {
  out.family('turnpike_endpoint_in_flight', 'gauge', 'Tries that were sent to it and are not over.')
  for (const { name, endpoints } of clusters) {
    for (const { url, inFlight } of endpoints)
      out.sample('turnpike_endpoint_in_flight', labelText({ upstream: name, endpoint: url }), inFlight)
  }
  out.family('turnpike_circuit_state', 'gauge', 'The circuit breaker: 0 closed, 1 half-open, 2 open.')
  for (const { name, endpoints } of clusters) {
    for (const { url, circuit } of endpoints) {
      if (circuit === null) continue
      const state = circuit === 'closed' ? 0 : circuit === 'halfOpen' ? 1 : 2
      out.sample('turnpike_circuit_state', labelText({ upstream: name, endpoint: url }), state)
    }
  }
  out.family('turnpike_admission_in_flight', 'gauge', 'Requests that were let in to the upstream and are not over.')
  for (const { name, admission } of clusters)
    if (admission !== null)
      out.sample('turnpike_admission_in_flight', labelText({ upstream: name }), admission.inFlight)
  out.family('turnpike_admission_queue', 'gauge', 'Requests that wait for the upstream.')
  for (const { name, admission } of clusters)
    if (admission !== null) out.sample('turnpike_admission_queue', labelText({ upstream: name }), admission.queued)
  out.family('turnpike_admission_queue_age_seconds', 'gauge', 'How long the first of them has waited.')
  for (const { name, admission } of clusters) {
    if (admission !== null)
      out.sample('turnpike_admission_queue_age_seconds', labelText({ upstream: name }), admission.oldestMs / 1000)
  }
  out.family('turnpike_retries_refused_total', 'counter', 'Retries that the budget had no room for.')
  for (const { name, retriesRefused } of clusters) {
    if (retriesRefused !== null)
      out.sample('turnpike_retries_refused_total', labelText({ upstream: name }), retriesRefused)
  }
}
