import { headerTemplate } from '../../core/header-template.ts'
import type { Headers } from '../../core/headers.ts'
import { noBody, type ReplyBody } from '../../engine/body.ts'
import type { Exchange } from '../../engine/exchange.ts'
import type { RespondConfig } from './config.ts'
import type { RouteTarget } from './gateway.ts'

/** Answers exchanges from the config: bytes and fields are prepared once. */
export class RespondTarget implements RouteTarget {
  readonly upgrade: readonly string[] = []
  private readonly status: number
  private readonly headers: Headers
  private readonly body: ReplyBody

  constructor(config: RespondConfig) {
    this.status = config.status
    const pairs = Object.entries(config.headers)
    if (config.body !== '' && !pairs.some(([name]) => name.toLowerCase() === 'content-type')) {
      pairs.push(['Content-Type', 'text/plain; charset=utf-8'])
    }
    this.headers = headerTemplate(pairs)
    this.body = config.body === '' ? noBody : { kind: 'bytes', bytes: Buffer.from(config.body, 'utf8') }
  }

  handle(exchange: Exchange): void {
    exchange.reply({ status: this.status, headers: this.headers.fork(), body: this.body })
  }
}
