import { knownByName } from './header-names.ts'
import { Headers } from './headers.ts'

/** Fields that are sent again and again, as if they had been received: each message gets a `fork`, whose text is kept. Values are printable ASCII. */
export function headerTemplate(pairs: Iterable<readonly [name: string, value: string]>): Headers {
  let text = ''
  const fields: number[] = []
  for (const [name, value] of pairs) {
    fields.push(text.length, text.length + name.length, knownByName(name.toLowerCase()))
    text += `${name}: ${value}\r\n`
  }
  return new Headers(text, fields, text.length)
}
