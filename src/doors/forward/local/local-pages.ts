import { TurnpikeError } from '../../../core/error.ts'
import { Headers } from '../../../core/headers.ts'
import type { Exchange } from '../../../engine/exchange.ts'
import type { Session } from '../../../engine/session.ts'
import type { ForwardConfig } from '../config.ts'
import { ownAuthority } from './own-authority.ts'
import { pacFile } from './pac-file.ts'

export interface LocalPagesOptions {
  pac: ForwardConfig['pac']
  /** Whether a listener speaks TLS too. */
  hasTls: (listener: string) => boolean
  /** Whether those who come in there must log in. */
  wantsLogin: (session: Session) => boolean
}

const PAC_TYPE = 'application/x-ns-proxy-autoconfig'

/**
 * What the proxy answers itself: requests that name no other host (F5). Browsers fetch the PAC file before they know
 * of a login, so nobody has to have one here; nothing is told but how to use the proxy.
 */
export class LocalPages {
  private readonly options: LocalPagesOptions

  constructor(options: LocalPagesOptions) {
    this.options = options
  }

  /** Answers. Throws ERR_NOT_PROXIED, ERR_METHOD_NOT_ALLOWED. */
  answer(exchange: Exchange): void {
    const [path = ''] = exchange.target.split('?', 1)
    const page = this.page(path)
    if (page === null) throw new TurnpikeError('ERR_NOT_PROXIED')
    if (exchange.method !== 'GET' && exchange.method !== 'HEAD')
      throw new TurnpikeError('ERR_METHOD_NOT_ALLOWED', { allow: 'GET, HEAD' })
    exchange.reply({
      status: 200,
      headers: Headers.from([
        ['Content-Type', page.type],
        // It depends on how the proxy was reached.
        ['Cache-Control', 'private, max-age=300'],
        ['X-Content-Type-Options', 'nosniff'],
      ]),
      body: { kind: 'bytes', bytes: Buffer.from(page.text(exchange), 'utf8') },
    })
  }

  private page(path: string): { type: string; text: (exchange: Exchange) => string } | null {
    const { pac } = this.options
    if (path === '/') return { type: 'text/plain; charset=utf-8', text: (exchange) => this.welcome(exchange) }
    if (pac === null || (path !== '/proxy.pac' && path !== '/wpad.dat')) return null
    return {
      type: PAC_TYPE,
      text: (exchange) => pacFile({ ways: this.ways(exchange, ownAuthority(exchange, pac.host)), direct: pac.direct }),
    }
  }

  private ways({ session }: Exchange, authority: string): string[] {
    const ways = [`PROXY ${authority}`]
    if (this.options.hasTls(session.listener)) ways.unshift(`HTTPS ${authority}`)
    // Browsers know no login of SOCKS.
    if (!this.options.wantsLogin(session)) ways.push(`SOCKS5 ${authority}`)
    return ways
  }

  private welcome(exchange: Exchange): string {
    const { pac, hasTls, wantsLogin } = this.options
    const { session } = exchange
    const authority = ownAuthority(exchange, pac?.host)
    const login = wantsLogin(session) ? 'USER:PASSWORD@' : ''
    const scheme = hasTls(session.listener) ? 'https' : 'http'
    const lines = [
      'This is a proxy: it passes requests on to where they ask for.',
      '',
      `  curl -x ${scheme}://${login}${authority} https://example.com/`,
      `  curl -x socks5h://${login}${authority} https://example.com/`,
      `  export http_proxy=${scheme}://${login}${authority} https_proxy=${scheme}://${login}${authority}`,
    ]
    if (pac !== null) lines.push('', `Browsers take their settings from ${scheme}://${authority}/proxy.pac`)
    return `${lines.join('\n')}\n`
  }
}
