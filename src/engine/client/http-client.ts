import type { Headers } from '../../core/headers.ts'
import type { AddressGuard } from '../dial/address-guard.ts'
import type { ParentRoute } from '../dial/parent.ts'
import type { UpstreamSecurity } from '../tls/upstream-security.ts'

/** Deadlines of one request that Turnpike makes by itself, in ms. */
export interface ClientTimeouts {
  /** Name and connection together. */
  connectMs: number
  tlsMs: number
  /** From the request's last byte to the reply's first. */
  firstByteMs: number
  /** Between two pieces of a body, either way. */
  stallMs: number
}

/** A request of Turnpike's own: to another module proxy, a store, a checksum database. */
export interface ClientRequest {
  /** A token, as in `GET`; not CONNECT. */
  method: string
  /** `http:` or `https:`; credentials in it are not sent. */
  url: URL
  /** A `Host` among them is sent in place of the URL's. */
  fields?: readonly (readonly [name: string, value: string])[]
  /** A body in pieces needs its `length`. Default: none. */
  body?: Uint8Array | { length: number; pieces: AsyncIterable<Uint8Array> } | null
  timeouts: ClientTimeouts
  /** TLS settings for `https:`. Default: verified against the machine's authorities. */
  tls?: UpstreamSecurity
  /** Which addresses may be dialled. Default: all of them. */
  guard?: AddressGuard | null
  /** The parents to go through. Default: those of the client. */
  via?: ParentRoute | null
  /** Ends it at any phase. */
  signal?: AbortSignal
}

export interface ClientReply {
  status: number
  headers: Headers
  /** Size of the body, -1 where unknown. */
  length: number
  /** The body in pieces that are the reader's own. To leave the loop early, or not to read on for `stallMs`, gives the rest up. */
  body: AsyncIterable<Buffer>
  /** Such as `TLSv1.3`; null over plain text. */
  tlsVersion: string | null
  /** Whether its connection had been used before. */
  reused: boolean
}

/**
 * Sends requests of Turnpike's own through egress and the engine's pools, one pool for each origin, TLS settings,
 * guard and parents. Nothing is followed and nothing retried, but once on a kept connection that proved dead. Rejects with a
 * TurnpikeError: of phase `dial`, `tls`, `send`, `first-byte` or, from the body, `body`.
 */
export interface HttpClient {
  request(request: ClientRequest): Promise<ClientReply>
}
