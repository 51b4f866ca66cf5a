const HIDDEN = '"[redacted]"'

/**
 * A JSON text with the values of some members hidden, whatever they are; the rest as it was. It is read token by token, in
 * one pass: a text that was cut off is read as far as it goes.
 */
export function redactJson(text: string, hides: (name: string) => boolean): string {
  let out = ''
  /** The last string, where it may be a name: a colon would follow. */
  let name: string | null = null
  /** The next value is hidden. */
  let hiding = false
  /** Depth within a hidden object or list; 0 outside. */
  let depth = 0
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\[^])*(?:"|\\?$)|[{}[\]:,]|\s+|[^\s"{}[\]:,]+/g)) {
    const first = token[0]!
    if (/\s/.test(first)) {
      out += token
    } else if (first === '{' || first === '[') {
      if (depth > 0 || hiding) depth++
      name = null
      out += token
    } else if (first === '}' || first === ']') {
      if (depth > 0) depth--
      hiding = depth > 0
      name = null
      out += token
    } else if (first === ':') {
      hiding = depth > 0 || (name !== null && hides(name))
      name = null
      out += token
    } else if (first === ',') {
      hiding = depth > 0
      name = null
      out += token
    } else {
      // Names within what is hidden are hidden too: a string is not known for one before its colon.
      out += hiding && token !== 'null' ? HIDDEN : token
      name = first === '"' ? unquoted(token) : null
    }
  }
  return out
}

function unquoted(token: string): string | null {
  try {
    const value: unknown = JSON.parse(token)
    return typeof value === 'string' ? value : null
  } catch {
    // Cut off: no name.
    return null
  }
}
