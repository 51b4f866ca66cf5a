/** The first fault of a text that is not JSON: where, and what should stand there. */
export interface JsonFault {
  offset: number
  expected: string
}

const token =
  /(?:([{}[\],:])|("(?:[ !#-[\]-\u{10ffff}]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*")|(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[Ee][+-]?\d+)?|true|false|null)(?![\w.]))/uy
const blanks = /[\t\n\r ]*/y

/** Finds the first fault (RFC 8259), or null where there is none. JSON.parse gives no place, and quotes the text instead. */
export function findJsonFault(text: string): JsonFault | null {
  const open: ('{' | '[')[] = []
  let expected = 'a value'
  for (let offset = 0; ; offset = token.lastIndex) {
    blanks.lastIndex = offset
    blanks.exec(text)
    offset = blanks.lastIndex
    if (offset === text.length && expected === 'the end') return null
    token.lastIndex = offset
    const [found, mark, string] = token.exec(text) ?? []
    const next = found === undefined ? undefined : follow(expected, open, mark, string !== undefined)
    if (next === undefined) return { offset, expected }
    expected = next
  }
}

/** What must come after a token, or undefined where the token may not stand. */
function follow(
  expected: string,
  open: ('{' | '[')[],
  mark: string | undefined,
  isString: boolean,
): string | undefined {
  const afterValue = () => (open.length === 0 ? 'the end' : open.at(-1) === '{' ? 'a comma or }' : 'a comma or ]')
  if (expected === 'a value' || expected === 'a value or ]') {
    if (mark === '{' || mark === '[') {
      open.push(mark)
      return mark === '{' ? 'a key or }' : 'a value or ]'
    }
    if (mark === undefined) return afterValue()
  }
  if (mark !== undefined && expected.endsWith(mark) && (mark === '}' || mark === ']')) {
    open.pop()
    return afterValue()
  }
  if (expected.startsWith('a key') && isString) return 'a colon'
  if (expected === 'a colon' && mark === ':') return 'a value'
  if (expected.startsWith('a comma') && mark === ',') return open.at(-1) === '{' ? 'a key' : 'a value'
  return undefined
}
