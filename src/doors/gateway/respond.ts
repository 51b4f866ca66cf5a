import { knownByName } from '../../core/header-names.ts'
import { Headers } from '../../core/headers.ts'
import { noBody, type ReplyBody } from '../../engine/body.ts'
import type { Exchange } from '../../engine/exchange.ts'
import type { RespondConfig } from './config.ts'
import type { RouteTarget } from './gateway.ts'

/** Answers exchanges from the config: bytes and fields are prepared once. */
export class RespondTarget implements RouteTarget {
  readonly upgrade: readonly string[] = []
  private readonly status: number
  private readonly head: string
  private readonly fields: readonly number[]
  private readonly body: ReplyBody

  constructor(config: RespondConfig) {
    this.status = config.status
    const pairs = Object.entries(config.headers)
    if (config.body !== '' && !pairs.some(([name]) => name.toLowerCase() === 'content-type')) {
      pairs.push(['Content-Type', 'text/plain; charset=utf-8'])
    }
    let head = ''
    const fields: number[] = []
    for (const [name, value] of pairs) {
      fields.push(head.length, head.length + name.length, knownByName(name.toLowerCase()))
      head += `${name}: ${value}\r\n`
    }
    this.head = head
    this.fields = fields
    this.body = config.body === '' ? noBody : { kind: 'bytes', bytes: Buffer.from(config.body, 'utf8') }
  }

  handle(exchange: Exchange): void {
    const headers = new Headers(this.head, [...this.fields], this.head.length)
    exchange.reply({ status: this.status, headers, body: this.body })
  }
}
