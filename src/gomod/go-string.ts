/** What one character behind a backslash stands for. */
const simple: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
}

const wholeString =
  /^"(?:[^"\\\n]|\\(?:[abfnrtv\\"]|x[0-7][0-9A-Fa-f]|[01][0-7]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}))*"$/
const escape = /\\(?:([abfnrtv\\"])|x(..)|([01][0-7]{2})|u(.{4})|U(.{8}))/g

/**
 * The text of a Go string literal, quoted by `"` or by backquotes. Null where it is none, or where an escape is no character
 * of Unicode or a byte beyond ASCII, which no path and no version has.
 */
export function unquoteGo(literal: string): string | null {
  if (/^`[^`]*`$/.test(literal)) return literal.slice(1, -1).replaceAll('\r', '')
  if (!wholeString.test(literal)) return null
  let wrong = false
  const text = literal.slice(1, -1).replace(escape, (_, one, hex, octal, short, long) => {
    if (one !== undefined) return simple[one as string]!
    const code = octal === undefined ? parseInt((hex ?? short ?? long) as string, 16) : parseInt(octal as string, 8)
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) wrong = true
    return wrong ? '' : String.fromCodePoint(code)
  })
  return wrong ? null : text
}
