import type { HeadLimits } from '../wire/http1/head-parser.ts'
import { RequestHeadParser } from '../wire/http1/request-head.ts'

/**
 * Request parsers that no connection needs at the moment: only one that is in the middle of a head
 * keeps its own, so that an idle connection costs none (0.7 KB each).
 */
export class ParserShelf {
  private readonly limits: HeadLimits
  private readonly free: RequestHeadParser[] = []

  constructor(limits: HeadLimits) {
    this.limits = limits
  }

  take(): RequestHeadParser {
    return this.free.pop() ?? new RequestHeadParser(this.limits)
  }

  give(parser: RequestHeadParser): void {
    if (this.free.length === 0) this.free.push(parser)
  }
}
