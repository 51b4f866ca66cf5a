/** Bytes that may not stand in an ASCII JSON string as they are. One character class: linear. */
// oxlint-disable-next-line no-control-regex -- control bytes are what it looks for
const unsafe = /[^\x20\x21\x23-\x5b\x5d-\x7e]/

/** What stands between the quotes of a JSON string, in ASCII whatever came in: one character, at least one byte. */
export function jsonText(value: string): string {
  return unsafe.test(value) ? escaped(value) : value
}

function escaped(value: string): string {
  let text = ''
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at)
    if (code === 0x22 || code === 0x5c) text += `\\${value[at]!}`
    else if (code >= 0x20 && code < 0x7f) text += value[at]!
    else text += `\\u${code.toString(16).padStart(4, '0')}`
  }
  return text
}
