/** The first fault of a text that is not JSON, or that has a key twice: where, and what is wrong. */
export interface JsonFault {
  offset: number
  message: string
  /** Whether JSON.parse refuses it too: it lets keys stand twice. */
  syntax: boolean
}

const token =
  /(?:([{}[\],:])|("(?:[ !#-[\]-\u{10ffff}]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*")|(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[Ee][+-]?\d+)?|true|false|null)(?![\w.]))/uy
const blanks = /[\t\n\r ]*/y

/** A mapping or list that is open; a mapping with the keys it has so far. */
interface Open {
  keys: Set<string> | null
}

/** Finds the first fault (RFC 8259), or null where there is none. JSON.parse gives no place, and quotes the text instead. */
export function findJsonFault(text: string): JsonFault | null {
  const open: Open[] = []
  let expected = 'a value'
  for (let offset = 0; ; offset = token.lastIndex) {
    blanks.lastIndex = offset
    blanks.exec(text)
    offset = blanks.lastIndex
    if (offset === text.length && expected === 'the end') return null
    token.lastIndex = offset
    const [found, mark, string] = token.exec(text) ?? []
    const next = found === undefined ? undefined : follow(expected, open, mark, string !== undefined)
    if (next === undefined) return { offset, message: `this is not JSON: ${expected} is expected here`, syntax: true }
    if (next === 'a colon' && string !== undefined) {
      const key = String(JSON.parse(string))
      const keys = open.at(-1)?.keys
      if (keys?.has(key) === true) {
        return { offset, message: `the key ${JSON.stringify(key)} stands twice in one mapping`, syntax: false }
      }
      keys?.add(key)
    }
    expected = next
  }
}

/** What must come after a token, or undefined where the token may not stand. */
function follow(expected: string, open: Open[], mark: string | undefined, isString: boolean): string | undefined {
  const inMapping = () => (open.at(-1)?.keys ?? null) !== null
  const afterValue = () => (open.length === 0 ? 'the end' : inMapping() ? 'a comma or }' : 'a comma or ]')
  if (expected === 'a value' || expected === 'a value or ]') {
    if (mark === '{' || mark === '[') {
      open.push({ keys: mark === '{' ? new Set() : null })
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
  if (expected.startsWith('a comma') && mark === ',') return inMapping() ? 'a key' : 'a value'
  return undefined
}
