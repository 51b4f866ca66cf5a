import type { Exchange } from '../../../engine/exchange.ts'
import type { Direction, Meter } from '../../../engine/relay/meter.ts'

/** Counts what the requests in a tunnel move as the tunnel's own. */
export class TunnelMeter implements Meter {
  private readonly tunnel: Exchange
  /** Of the request at hand: requests in a tunnel come one after another. */
  private up = 0
  private down = 0

  constructor(tunnel: Exchange) {
    this.tunnel = tunnel
  }

  moved(bytes: number, direction: Direction): number {
    const { tunnel } = this
    this[direction] += bytes
    if (direction === 'up') tunnel.bytesIn += bytes
    else tunnel.bytesOut += bytes
    return tunnel.meter === null ? 0 : tunnel.meter.moved(bytes, direction)
  }

  ended({ bytesIn, bytesOut }: Exchange): void {
    const { up, down } = this
    if (bytesIn > up) this.moved(bytesIn - up, 'up')
    if (bytesOut > down) this.moved(bytesOut - down, 'down')
    this.up = this.down = 0
  }
}
