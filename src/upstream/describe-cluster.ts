import type { Cluster } from './cluster.ts'

/** A cluster as the admin address shows it. */
export function describeCluster({ name, members }: Cluster): unknown {
  return {
    name,
    endpoints: members.map(({ endpoint: { url, connections, inFlight }, weight }) => ({
      url,
      weight,
      inFlight,
      connections: connections.counts,
    })),
  }
}
