import type { Headers } from '../../core/headers.ts'
import { reasonPhrase } from '../../wire/http1/encode.ts'
import type { ReplyFacts, ReplyHead } from '../client-port.ts'
import type { MakeBodyFilter } from './body-filter.ts'

/** The head of a reply on its way out, which middleware may change, and what becomes of its body. */
export class ResponseDraft implements ReplyHead {
  readonly headers: Headers
  /** Size of the body, -1 where unknown. */
  length: number
  /** What `length` was at first. */
  readonly receivedLength: number
  /** False where none follows whatever the fields say (RFC 9112 §6.3). */
  readonly hasBody: boolean
  facts: ReplyFacts | null
  /** In the order in which the bytes pass them. */
  filters: readonly MakeBodyFilter[] = none
  /** What is sent in place of the body, null for the body itself. */
  replacement: Buffer | null = null
  private code: number
  private phrase: string

  constructor(head: ReplyHead) {
    this.code = head.status
    this.phrase = head.reason
    this.headers = head.headers
    this.length = this.receivedLength = head.length
    this.hasBody = head.hasBody
    this.facts = head.facts
  }

  get status(): number {
    return this.code
  }

  /** A final status that has a body where this one has: 200 to 599, but neither 204 nor 304. */
  set status(status: number) {
    this.code = status
    this.phrase = reasonPhrase(status)
    // The head that was put together before has another status line.
    this.facts = null
  }

  get reason(): string {
    return this.phrase
  }

  /** Sends the body through a filter; its length is not known any more. */
  filter(make: MakeBodyFilter): void {
    if (!this.hasBody) return
    this.filters = [...this.filters, make]
    this.unmeasured()
  }

  /** Shows the body as it comes to a filter that changes nothing of it. */
  watch(make: MakeBodyFilter): void {
    if (this.hasBody) this.filters = [...this.filters, make]
  }

  /** Sends these bytes in place of the body, which is dropped. */
  replaceBody(bytes: Buffer): void {
    if (!this.hasBody) return
    this.filters = none
    this.replacement = bytes
    this.unmeasured()
    this.length = bytes.length
  }

  private unmeasured(): void {
    this.length = -1
    this.facts = null
    this.headers.delete('content-length')
  }
}

const none: readonly MakeBodyFilter[] = []
