import { TurnpikeError } from '../../../core/error.ts'
import { canonicalHost } from '../../../core/canonical-host.ts'

/** Where a request with an absolute target wants to go. */
export interface PlainOrigin {
  readonly tls: boolean
  /** A name (lower case, no trailing dot), or an address in its canonical text, without brackets. */
  readonly host: string
  readonly port: number
  /** One text for each of them, as in `http://a.example:80`. */
  readonly url: string
}

const MAX_KNOWN = 1_000

/** Reads the origins of absolute targets (RFC 9112 §3.2.2): those that came before are known. */
export class PlainOrigins {
  private readonly known = new Map<string, PlainOrigin>()

  /** The origin, and where the path of the target begins. Throws ERR_CONNECT_TARGET. */
  of(target: string): { origin: PlainOrigin; pathAt: number } {
    // Ingress and the parser have seen to the form: `http://` or `https://` in any case, then an authority.
    const from = target.indexOf('//') + 2
    let end = from
    while (end < target.length && !endsAuthority(target.charCodeAt(end))) end++
    const text = target.slice(0, end)
    let origin = this.known.get(text)
    if (origin === undefined) {
      origin = readOrigin(text, from)
      if (this.known.size >= MAX_KNOWN) this.known.clear()
      this.known.set(text, origin)
    }
    return { origin, pathAt: end }
  }
}

function endsAuthority(code: number): boolean {
  return code === SLASH || code === QUESTION_MARK
}

const SLASH = 0x2f
const QUESTION_MARK = 0x3f

function readOrigin(text: string, from: number): PlainOrigin {
  const tls = text.charCodeAt(4) !== 0x3a
  const [, name = '', digits = ''] = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(text.slice(from)) ?? []
  const port = digits === '' ? (tls ? 443 : 80) : Number(digits)
  const host = canonicalHost(name)
  if (host === null || port < 1 || port > 65_535) throw new TurnpikeError('ERR_CONNECT_TARGET')
  const shown = host.includes(':') ? `[${host}]` : host
  return { tls, host, port, url: `${tls ? 'https' : 'http'}://${shown}:${port}` }
}
