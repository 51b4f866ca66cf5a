import { Headers } from '../../core/headers.ts'
import { known, knownByName } from '../../core/header-names.ts'

/**
 * The fields of an HTTP/2 message as received ones: `raw` has names in lower case and values in turn.
 * Pseudo-fields (RFC 9113 §8.3) are left out: they are not fields to anybody above the codec.
 */
export function receivedFields(raw: readonly string[]): Headers {
  let text = ''
  const fields: number[] = []
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!
    if (name.charCodeAt(0) === 0x3a) continue
    fields.push(text.length, text.length + name.length, knownByName(name))
    text += `${name}: ${raw[at + 1]}\r\n`
  }
  return new Headers(text, fields, text.length)
}

/** Adds fields to a list of names and values in turn: names in lower case (RFC 9113 §8.2), `Host` as `:authority` alone. */
export function addFields(list: string[], headers: Iterable<readonly [string, string]>): void {
  for (const [name, value] of headers) {
    const lower = name.toLowerCase()
    if (knownByName(lower) !== known.host) list.push(lower, value)
  }
}
