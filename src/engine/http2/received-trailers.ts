import type { Headers } from '../../core/headers.ts'
import { isTrailerAllowed } from '../../wire/http1/trailer-fields.ts'
import { receivedFields } from '../../wire/http2/fields.ts'
import { isField } from './http2-head.ts'

/** A trailer section without the fields that must not stand in one (H6); null where nothing is left. */
export function receivedTrailers(raw: readonly string[]): Headers | null {
  const allowed: string[] = []
  for (let at = 0; at < raw.length; at += 2) {
    if (isTrailerAllowed(raw[at]!) && isField(raw[at]!, raw[at + 1]!)) allowed.push(raw[at]!, raw[at + 1]!)
  }
  return allowed.length === 0 ? null : receivedFields(allowed)
}
