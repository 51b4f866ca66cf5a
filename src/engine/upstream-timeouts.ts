/** How long a try may take, ms. */
export interface UpstreamTimeouts {
  /** From the sent request to the first byte of the reply. */
  firstByteMs: number
  /** No byte moved in either direction. */
  stallMs: number
}

/** What a route says of them in place of its upstream. */
export interface RouteTimeouts extends UpstreamTimeouts {
  /** Resolving and connecting together. */
  connectMs: number
  /** The handshake with the endpoint. Default: the upstream's. */
  tlsMs?: number
  /** From the first byte of the request to the last byte of the reply, tries and queues included; Infinity for no bound. */
  totalMs: number
}
