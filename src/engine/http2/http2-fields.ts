import type { Headers } from '../../core/headers.ts'
import { addFields } from '../../wire/http2/fields.ts'

/** RFC 9113 §8.2.2: fields of a connection have no place in HTTP/2; a middleware of one's own may set some. */
const connectionFields = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'te',
  'http2-settings',
])

/** Fields as the codec sends them: names in lower case, a list for what comes more than once. */
export function http2Fields(headers: Headers, status = 0): Record<string, string | string[]> {
  const list: string[] = []
  addFields(list, headers)
  // A field may be called `__proto__`.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const fields = Object.create(null) as Record<string, string | string[]>
  if (status > 0) fields[':status'] = String(status)
  for (let at = 0; at < list.length; at += 2) {
    const name = list[at]!
    const value = list[at + 1]!
    const before = fields[name]
    if (connectionFields.has(name)) continue
    if (before === undefined) fields[name] = value
    else if (typeof before === 'string') fields[name] = [before, value]
    else before.push(value)
  }
  return fields
}
