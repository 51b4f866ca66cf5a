import type { BasicLogin } from '../../core/basic-credentials.ts'
import { socksAddress } from './socks-address.ts'
import { TunnelRefusal, type TunnelHandshake, type TunnelStep, type TunnelTarget } from './tunnel-handshake.ts'

const VERSION = 5
const NO_AUTHENTICATION = 0
const USERNAME_PASSWORD = 2
const CONNECT = 1
const TTL_EXPIRED = 6

// RFC 1928 §6.
const replies: Readonly<Record<number, string>> = {
  1: 'general failure',
  2: 'not allowed by its rules',
  3: 'network unreachable',
  4: 'host unreachable',
  5: 'connection refused',
  6: 'TTL expired',
  7: 'command not supported',
  8: 'address type not supported',
}

/** Asks a SOCKS5 proxy for a connection (RFC 1928), with user name and password where there are some (RFC 1929). Names are resolved there. */
export class Socks5Handshake implements TunnelHandshake {
  private readonly target: TunnelTarget
  private readonly credentials: BasicLogin | null
  /** What came of the answer at hand: some 260 bytes at most. */
  private readonly taken: number[] = []
  private phase: 'method' | 'login' | 'reply' = 'method'

  constructor(target: TunnelTarget, credentials: BasicLogin | null) {
    this.target = target
    this.credentials = credentials
  }

  begin(): Buffer {
    const methods = this.credentials === null ? [NO_AUTHENTICATION] : [NO_AUTHENTICATION, USERNAME_PASSWORD]
    return Buffer.from([VERSION, methods.length, ...methods])
  }

  take(bytes: Buffer, start: number, end: number): TunnelStep {
    const { taken } = this
    for (let at = start; at < end; at++) {
      taken.push(bytes[at]!)
      if (taken.length === 1 && bytes[at] !== (this.phase === 'login' ? 1 : VERSION))
        throw new TunnelRefusal('protocol', 'it does not answer as a SOCKS5 proxy does')
      if (this.phase === 'reply') {
        if (taken.length < this.replyLength()) continue
        this.checkReply()
        return { open: true, end: at + 1 }
      }
      if (taken.length < 2) continue
      const answer = taken[1]!
      taken.length = 0
      // Nobody sends more than was asked for before the next question.
      if (at + 1 < end) throw new TunnelRefusal('protocol', 'it says more than a SOCKS5 proxy does')
      return { open: false, send: this.phase === 'method' ? this.afterMethod(answer) : this.afterLogin(answer) }
    }
    return { open: false, send: null }
  }

  private afterMethod(method: number): Buffer {
    if (method === NO_AUTHENTICATION) return this.request()
    if (method !== USERNAME_PASSWORD || this.credentials === null)
      throw new TunnelRefusal(
        'auth',
        method === 0xff ? 'it accepts none of our ways to log in' : 'it wants another way to log in',
      )
    this.phase = 'login'
    const username = Buffer.from(this.credentials.username, 'utf8')
    const password = Buffer.from(this.credentials.password, 'utf8')
    // RFC 1929 §2: a byte of length before each.
    if (username.length > 255 || password.length > 255)
      throw new TunnelRefusal('auth', 'the user name or password is longer than SOCKS5 can say')
    return Buffer.concat([Buffer.from([1, username.length]), username, Buffer.from([password.length]), password])
  }

  private afterLogin(status: number): Buffer {
    if (status !== 0) throw new TunnelRefusal('auth', 'it does not take the user name and password')
    return this.request()
  }

  private request(): Buffer {
    this.phase = 'reply'
    const { host, port } = this.target
    return Buffer.concat([
      Buffer.from([VERSION, CONNECT, 0]),
      socksAddress(host),
      Buffer.from([port >> 8, port & 0xff]),
    ])
  }

  /** RFC 1928 §6: as long as its address is. */
  private replyLength(): number {
    const { taken } = this
    if (taken.length < 5) return 5
    switch (taken[3]) {
      case 1:
        return 10
      case 3:
        return 7 + taken[4]!
      case 4:
        return 22
      default:
        throw new TunnelRefusal('protocol', 'its reply has an address of no known type')
    }
  }

  private checkReply(): void {
    const code = this.taken[1]!
    if (code === 0) return
    throw new TunnelRefusal(
      'refused',
      `it answers ${code}: ${replies[code] ?? 'no known reason'}`,
      code === TTL_EXPIRED ? 504 : 502,
    )
  }
}
