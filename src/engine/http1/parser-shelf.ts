import type { HeadLimits } from '../../wire/http1/head-parser.ts'
import { HeadMemo } from '../../wire/http1/head-memo.ts'
import { RequestHeadParser, type RequestBlock } from '../../wire/http1/request-head.ts'
import type { RequestFacts } from './receive-request.ts'

/**
 * Request parsers that no connection needs at the moment: only one that is in the middle of a head
 * keeps its own, so that an idle connection costs none (0.7 KB each).
 */
export class ParserShelf {
  private readonly limits: HeadLimits
  private readonly memo = new HeadMemo<RequestBlock<RequestFacts>>()
  private readonly free: RequestHeadParser<RequestFacts>[] = []

  constructor(limits: HeadLimits) {
    this.limits = limits
  }

  take(): RequestHeadParser<RequestFacts> {
    return this.free.pop() ?? new RequestHeadParser(this.limits, this.memo)
  }

  give(parser: RequestHeadParser<RequestFacts>): void {
    if (this.free.length === 0) this.free.push(parser)
  }
}
