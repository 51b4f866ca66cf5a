/** One attribute and what stands before the next one: RFC 4514 §2.4 escapes separators within a value. */
const attribute = /[,+]?\s*([^=,+\\]*)=((?:\\.|[^\\,+])*)/y

/** The common name in a certificate's subject, as RFC 4514 writes it; '' where it has none. */
export function commonName(subject: string): string {
  attribute.lastIndex = 0
  for (let found = attribute.exec(subject); found !== null; found = attribute.exec(subject)) {
    const [, name, value] = found
    if (name!.toUpperCase() === 'CN') return unescape(value!).trim()
  }
  return ''
}

/** RFC 4514 §2.4: a backslash before a special character, or before each byte in hex. */
function unescape(value: string): string {
  return value.replace(/((?:\\[0-9A-Fa-f]{2})+)|\\(.)/g, (_, hex: string | undefined, special: string) =>
    hex === undefined ? special : Buffer.from(hex.replaceAll('\\', ''), 'hex').toString('utf8'),
  )
}
