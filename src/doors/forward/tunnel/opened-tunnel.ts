import type { TakenConnection } from '../../../engine/client-port.ts'
import type { Destination } from '../../../engine/proxy/destination.ts'
import type { Dialled } from '../../../engine/dial/dialled.ts'
import type { Exchange } from '../../../engine/exchange.ts'
import type { ClientHello } from '../../../wire/client-hello.ts'
import type { Verdict } from '../rules/verdict.ts'

/**
 * A tunnel whose target is connected and whose client was told so, its ClientHello read and not yet answered.
 * Nobody reads the client's socket: it is paused, and `taken.pending` has every byte that it sent.
 */
export interface OpenedTunnel {
  exchange: Exchange
  taken: TakenConnection
  /** Plain TCP to the target, through the parents; nothing was sent on it. Attached to whoever holds the tunnel. */
  dialled: Dialled
  destination: Destination
  hello: ClientHello
  verdict: Verdict
}

/** Looks into tunnels. */
export interface Interceptor {
  /**
   * Takes the tunnel: calls `taken.done()` once it is over, and has set `exchange.tunnel` before this returns. False:
   * it is one that is not looked into, and nothing was done to it.
   */
  intercept(tunnel: OpenedTunnel): boolean
}
