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
const escape = /\\(?:x..|[01][0-7]{2}|u.{4}|U.{8}|.)/g

/**
 * The text of a Go string literal, quoted by `"` or by backquotes. Null where it is none, or where an escape is no character
 * of Unicode or a byte beyond ASCII, which no path and no version has.
 */
export function unquoteGo(literal: string): string | null {
  if (/^`[^`]*`$/.test(literal)) return literal.slice(1, -1).replaceAll('\r', '')
  if (!wholeString.test(literal)) return null
  const text = literal.slice(1, -1).replace(escape, unescaped)
  return text.isWellFormed() ? text : null
}

/** What is no character of Unicode becomes half of one. */
function unescaped(sequence: string): string {
  const kind = sequence[1]!
  const one = simple[kind]
  if (one !== undefined) return one
  const code = 'xuU'.includes(kind) ? parseInt(sequence.slice(2), 16) : parseInt(sequence.slice(1), 8)
  return code <= 0x10ffff ? String.fromCodePoint(code) : '\ud800'
}
