/** One segment of a path pattern: what stands between two slashes. */
export type PathSegment =
  | { kind: 'literal'; text: string }
  /** `{name}`: any one segment that is not empty. */
  | { kind: 'capture'; name: string }
  /** `{name...}`, last: the rest of the path, slashes included. */
  | { kind: 'rest'; name: string }

/** A path pattern taken apart at its slashes. */
export interface PathPattern {
  /** As the config writes it. */
  text: string
  segments: PathSegment[]
  /** Ends in a double star: matches what stands before it and everything below. */
  subtree: boolean
  /** Names of its captures, in order. */
  captures: string[]
}

/**
 * Takes `/a/b`, `/a/**`, `/a/{id}`, `/a/{rest...}` apart. Throws a RangeError that says what is wrong.
 * `/a/` has an empty last segment: it is another path than `/a`.
 */
export function parsePathPattern(text: string): PathPattern {
  const fault = (why: string): never => {
    throw new RangeError(`${JSON.stringify(text)} ${why}`)
  }
  if (!text.startsWith('/')) fault('is not a path: it begins with a slash')
  if (!/^[\x21-\x7e]*$/.test(text)) fault('holds a blank or a character outside ASCII: percent-encode it')
  if (/[?#]/.test(text)) fault('holds ? or #: match the query by `query`')
  // What normalisation refuses or removes from every request: a route for it would never be reached.
  if (/[\\;[\]]/.test(text)) fault('holds a backslash, a semicolon or a bracket, which no path is matched with')
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) fault('holds a percent sign that begins no escape: write %25')
  if (/%00|%3b|%5c|%C[01]%[89AB]|%E0%8[01]|%F0%80%8[01]/i.test(text))
    fault('holds an escape that no normalised path has')
  if (text.includes(';')) fault('holds a semicolon: parameters play no part in matching')
  if (/%(?![0-9A-Fa-f]{2})|%00|\\/.test(text)) fault('holds a backslash, NUL or an invalid percent-escape')
  const subtree = text.endsWith('/**')
  const pieces = (subtree ? text.slice(1, -'/**'.length) : text.slice(1)).split('/')
  if (subtree && text === '/**') pieces.length = 0
  const captures: string[] = []
  const segments = pieces.map((piece, index): PathSegment => {
    if (piece.includes('*')) fault('has a star that is not a last segment /**')
    if (/^(?:\.|%2e){1,2}$/i.test(piece)) fault('holds a dot segment, which no normalised path has')
    if (piece === '' && (subtree || index < pieces.length - 1)) fault('holds an empty segment')
    if (!piece.includes('{') && !piece.includes('}')) return { kind: 'literal', text: piece }
    const [, name, rest] = /^\{([A-Za-z_][A-Za-z0-9_]*)(\.\.\.)?\}$/.exec(piece) ?? []
    if (name === undefined) return fault('has a segment that is neither text nor {name} nor {name...}')
    if (captures.includes(name)) fault(`captures ${JSON.stringify(name)} twice`)
    captures.push(name)
    if (rest === undefined) return { kind: 'capture', name }
    if (subtree || index < pieces.length - 1) fault(`has {${name}...} before its end`)
    return { kind: 'rest', name }
  })
  return { text, segments, subtree, captures }
}
