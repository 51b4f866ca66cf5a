import type { Peer } from '../../test/support/peers/spawn-peer.ts'

/** What a contender is asked to be. */
export interface Setup {
  /** The upstream: plain HTTP/1.1 on this loopback port. */
  originPort: number
  /** 0: everything goes to the upstream. Otherwise that many routes `/r0/` … `/rN/`, all to the same upstream. */
  routes: number
  /** Where it serves HTTPS instead of HTTP: PEM files. */
  tls: { cert: string; key: string } | null
  /** What runs its command, such as `taskset -c 0`. */
  wrapper: readonly string[]
}

export interface Contender {
  name: string
  /** Programs that must be installed. */
  needs: readonly string[]
  /** Whether it takes part in the scenarios with many routes. */
  routes: boolean
  start(setup: Setup): Promise<Peer>
}
