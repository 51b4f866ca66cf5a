import type { BasicLogin } from '../../core/basic-credentials.ts'
import { ipBytes, isIPv4, isIPv6 } from '../../core/ip.ts'
import { TunnelRefusal, type TunnelHandshake, type TunnelStep, type TunnelTarget } from './tunnel-handshake.ts'

const VERSION = 4
const CONNECT = 1
const REPLY_BYTES = 8
const GRANTED = 90

const replies: Readonly<Record<number, string>> = {
  91: 'rejected or failed',
  92: 'it cannot reach our identd',
  93: 'our identd names another user',
}

/** Asks a SOCKS4 proxy for a connection; a name is resolved there, as SOCKS4A has it. There are no passwords. */
export class Socks4Handshake implements TunnelHandshake {
  private readonly target: TunnelTarget
  private readonly credentials: BasicLogin | null
  private readonly taken: number[] = []

  constructor(target: TunnelTarget, credentials: BasicLogin | null) {
    this.target = target
    this.credentials = credentials
  }

  begin(): Buffer {
    const { host, port } = this.target
    const address = isIPv4(host) ? ipBytes(host)!.subarray(12) : null
    if (isIPv6(host)) throw new TunnelRefusal('refused', 'SOCKS4 knows no IPv6')
    const head = [VERSION, CONNECT, port >> 8, port & 0xff]
    const user = Buffer.from(`${this.credentials?.username ?? ''}\0`, 'utf8')
    if (address !== null) return Buffer.concat([Buffer.from(head), address, user])
    // SOCKS4A: an address of 0.0.0.x, x not 0, says that a name follows the user.
    return Buffer.concat([Buffer.from([...head, 0, 0, 0, 1]), user, Buffer.from(`${host}\0`, 'latin1')])
  }

  take(bytes: Buffer, start: number, end: number): TunnelStep {
    const { taken } = this
    for (let at = start; at < end; at++) {
      taken.push(bytes[at]!)
      if (taken[0] !== 0) throw new TunnelRefusal('protocol', 'it does not answer as a SOCKS4 proxy does')
      if (taken.length < REPLY_BYTES) continue
      const code = taken[1]!
      if (code === GRANTED) return { open: true, end: at + 1 }
      const kind = code === 92 || code === 93 ? 'auth' : 'refused'
      throw new TunnelRefusal(kind, `it answers ${code}: ${replies[code] ?? 'no known reason'}`)
    }
    return { open: false, send: null }
  }
}
