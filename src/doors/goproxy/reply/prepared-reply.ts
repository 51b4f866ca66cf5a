import { hash } from 'node:crypto'
import { headerTemplate } from '../../../core/header-template.ts'
import type { Headers } from '../../../core/headers.ts'
import { noBody } from '../../../engine/body.ts'
import type { Exchange } from '../../../engine/exchange.ts'
import { httpDate } from '../../../wire/http1/encode.ts'
import type { CacheState } from '../library/answer.ts'
import { replyFields, selectedHead } from './reply-fields.ts'
import { isPlain, selectionOf, type Validators } from './selection.ts'

/** What a reply in memory is made of. */
export interface ReplyParts {
  bytes: Buffer
  /** `Content-Type`. */
  type: string
  cacheControl: string
  /** ms since 1970; null where that is not known. */
  modifiedMs: number | null
  /** Whether parts of it are sent (G6). */
  ranges: boolean
}

/** A reply whose bytes are in memory, with its head put together: sending it again costs next to nothing. */
export class PreparedReply {
  readonly bytes: Buffer
  private readonly parts: ReplyParts
  private readonly validators: Validators
  private hit: Headers | null = null

  constructor(parts: ReplyParts) {
    this.parts = parts
    this.bytes = parts.bytes
    this.validators = {
      etag: `"${hash('sha256', parts.bytes, 'hex')}"`,
      lastModified: parts.modifiedMs === null ? '' : httpDate(parts.modifiedMs),
    }
  }

  /** `cache`: what `X-Cache` says; null for nothing. */
  send(exchange: Exchange, cache: CacheState | null): void {
    exchange.cache = cache ?? ''
    if (!isPlain(exchange.headers)) return this.sendSelected(exchange, cache)
    const headers = cache === 'hit' ? (this.hit ??= this.head('hit')).fork() : this.head(cache).fork()
    exchange.reply({ status: 200, headers, body: { kind: 'bytes', bytes: this.bytes } })
  }

  private sendSelected(exchange: Exchange, cache: CacheState | null): void {
    const { bytes, validators, parts } = this
    const selection = selectionOf(exchange.method, exchange.headers, bytes.length, validators, parts.ranges)
    const { status, headers } = selectedHead(selection, bytes.length, this.fields(cache))
    const body =
      selection.kind === 'all'
        ? bytes
        : selection.kind === 'part'
          ? bytes.subarray(selection.start, selection.end)
          : null
    exchange.reply({ status, headers, body: body === null ? noBody : { kind: 'bytes', bytes: body } })
  }

  private head(cache: CacheState | null): Headers {
    return headerTemplate([...this.fields(cache), ['Content-Length', String(this.bytes.length)]])
  }

  private fields(cache: CacheState | null): [string, string][] {
    const { type, cacheControl, ranges } = this.parts
    return replyFields({ type, cacheControl, ranges, cache, ...this.validators })
  }
}
