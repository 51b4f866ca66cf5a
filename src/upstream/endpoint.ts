import { hash } from 'node:crypto'
import type { EndpointConnections } from '../engine/endpoint-connections.ts'
import type { EndpointConfig } from './config.ts'
import type { ClusterOptions } from './cluster.ts'
import { endpointHealth, type EndpointHealth } from './health/endpoint-health.ts'
import { makeConnections } from './make-connections.ts'

/** One place that a cluster sends to. It outlives reloads that leave its connection settings alone. */
export class Endpoint {
  /** As the config names it: what logs and metrics show. */
  readonly url: string
  readonly connections: EndpointConnections
  readonly health: EndpointHealth
  /** Tries that have begun and are not over, tunnels included. */
  inFlight = 0
  /** Peak EWMA of the time to the first byte, ms, as of `latencyAt` on the world's clock, 0 for never. */
  latencyMs = 0
  latencyAt = 0

  constructor(url: string, connections: EndpointConnections, health: EndpointHealth) {
    this.url = url
    this.connections = connections
    this.health = health
  }
}

/** The endpoint of a cluster: the one that an earlier config had, where its connections are to be made alike. */
export function sharedEndpoint(endpoint: EndpointConfig, options: ClusterOptions): Endpoint {
  const { name, config, scope, services, via, parents } = options
  const { timeouts, pool, host, tls, http2, proxyProtocol } = config
  const settings = [endpoint.target, endpoint.raw, proxyProtocol, timeouts, pool, host, http2, via, parents?.key]
  const security = endpoint.tls ? [tls, tls.ca?.text, tls.cert?.text, tls.key?.text] : []
  const key = hash('sha256', JSON.stringify([settings, security]))
  return scope.shared(`endpoint ${name} ${endpoint.url} ${key}`, (own) => {
    const connections = makeConnections(endpoint, options)
    own.use({ [Symbol.dispose]: () => connections.close() })
    return new Endpoint(endpoint.url, connections, endpointHealth(own, name, endpoint.url, services))
  })
}
