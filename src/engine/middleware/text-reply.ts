import { Headers } from '../../core/headers.ts'
import type { Reply } from '../exchange.ts'

/**
 * A reply with a text, sent as UTF-8: for a `request` hook that answers by itself. Without a `content-type`
 * among `fields`, `text/plain; charset=utf-8` is sent.
 */
export function textReply(status: number, text: string, fields: Iterable<readonly [string, string]> = []): Reply {
  const headers = Headers.from(fields)
  if (!headers.has('content-type')) headers.append('Content-Type', 'text/plain; charset=utf-8')
  return { status, headers, body: { kind: 'bytes', bytes: Buffer.from(text, 'utf8') } }
}
