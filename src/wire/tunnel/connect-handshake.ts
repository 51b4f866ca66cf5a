import { basicCredentials, type BasicLogin } from '../../core/basic-credentials.ts'
import { ResponseHeadParser } from '../http1/response-head.ts'
import { defaultHeadLimits, FAULTY, MORE } from '../http1/head-parser.ts'
import { TunnelRefusal, type TunnelHandshake, type TunnelStep, type TunnelTarget } from './tunnel-handshake.ts'

const limits = { ...defaultHeadLimits, headBytes: 16_384 }

/** Asks an HTTP proxy for a tunnel: CONNECT (RFC 9110 §9.3.6). */
export class ConnectHandshake implements TunnelHandshake {
  private readonly target: TunnelTarget
  private readonly credentials: BasicLogin | null
  private readonly parser = new ResponseHeadParser(limits)

  constructor(target: TunnelTarget, credentials: BasicLogin | null) {
    this.target = target
    this.credentials = credentials
  }

  begin(): Buffer {
    const { host, port } = this.target
    const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`
    const login = this.credentials === null ? '' : `Proxy-Authorization: ${basicCredentials(this.credentials)}\r\n`
    return Buffer.from(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${login}\r\n`, 'latin1')
  }

  take(bytes: Buffer, start: number, end: number): TunnelStep {
    let at = start
    for (;;) {
      const next = this.parser.read(bytes, at, end)
      if (next === MORE) return { open: false, send: null }
      if (next === FAULTY) throw new TunnelRefusal('protocol', 'it does not answer as an HTTP proxy does')
      at = next
      const { status, reason } = this.parser.head
      // RFC 9110 §15.2: interim replies come before the final one.
      if (status < 200) continue
      // RFC 9110 §9.3.6: any 2xx opens the tunnel, whatever its framing fields say.
      if (status < 300) return { open: true, end: at }
      const said = `it answers ${status}${reason === '' ? '' : ` ${reason}`}`
      if (status === 407) throw new TunnelRefusal('auth', said)
      throw new TunnelRefusal('refused', said, status === 504 ? 504 : 502)
    }
  }
}
