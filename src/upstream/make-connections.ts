import type { EndpointConnections } from '../engine/endpoint-connections.ts'
import { Pool, type PoolOptions } from '../engine/http1/pool.ts'
import { Http2Connections } from '../engine/http2/http2-connections.ts'
import { StreamConnections } from '../engine/stream-connections.ts'
import type { ClusterOptions } from './cluster.ts'
import type { EndpointConfig } from './config.ts'

/** The connections to an endpoint, as the upstream's settings say. */
export function makeConnections(
  endpoint: EndpointConfig,
  { config, services, security, via, parents }: ClusterOptions,
): EndpointConnections {
  const { timeouts, pool, host } = config
  if (endpoint.raw)
    return new StreamConnections(services, {
      target: endpoint.target,
      max: pool.max,
      connectMs: timeouts.connect,
      stallMs: timeouts.stall,
      via: parents,
      proxyProtocol: config.proxyProtocol ?? null,
    })
  const options: PoolOptions = {
    target: endpoint.target,
    tls: endpoint.tls ? security : null,
    egress: {
      host,
      endpointAuthority: endpoint.authority,
      via,
      viaLine: via === '' ? '' : `Via: 1.1 ${via}\r\n`,
    },
    max: pool.max,
    idleMs: pool.idle,
    connectMs: timeouts.connect,
    tlsMs: timeouts.tls,
    via: parents,
    timeouts: { firstByteMs: timeouts.firstByte, stallMs: timeouts.stall },
  }
  return config.http2 ? new Http2Connections(services, options) : new Pool(services, options)
}
