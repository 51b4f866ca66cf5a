import { TurnpikeError } from '../core/error.ts'

/** A request target taken apart and normalised (H24): routes match and origins get one reading of it. */
export interface NormalTarget {
  /** What is forwarded: begins with a slash, or is `*`. */
  readonly path: string
  /** As received, with its question mark; '' for none. Never altered. */
  readonly query: string
  /** What routes match: `path` without `;` parameters, and with everything decoded that needs no escape in a path. */
  readonly matchPath: string
  /** How an origin reads it that takes `%2F` and `%5C` for slashes, '' where that makes no difference. */
  readonly laxPath: string
}

// Already normal: no escape, no parameter, no empty segment, none that begins with a dot. A segment's
// characters hold no slash, so there is one way to match and the time is linear.
const normal = /^(?:\/[\w\-~!$&'()*+,=:@][\w\-.~!$&'()*+,=:@]*)*\/?$/

// Overlong UTF-8 for an ASCII character: no text has it, and old decoders read a dot or a slash from it.
const overlong = /%C[01]%[89AB]|%E0%8[01]%|%F0%80%8[01]%/
const encodedSlash = /%2F|%5C/
const parameter = /;|%3B/
// RFC 3986 §3.3 pchar, but the semicolon: the characters that need no escape in a path.
const pathCharacter = /[\w\-.~!$&'()*+,=:@]/
const unreserved = /[\w\-.~]/
// Never legal raw in a path, but sent: the escape means the same.
const escapable = /["<>^`{|}\x80-\xff]/

/**
 * Normalises an origin-form, absolute-form or asterisk-form target. Throws ERR_PATH for a path that
 * two servers could read in two ways.
 */
export function normalisePath(target: string): NormalTarget {
  const mark = target.indexOf('?')
  let path = mark < 0 ? target : target.slice(0, mark)
  const query = mark < 0 ? '' : target.slice(mark)
  if (query !== '' && query.includes('#')) refuse('it holds a fragment')
  if (path.charCodeAt(0) !== 0x2f) {
    if (path === '*' && query === '') return { path, query, matchPath: path, laxPath: '' }
    path = pathOfAbsolute(path)
  }
  if (path !== '' && normal.test(path)) return { path, query, matchPath: path, laxPath: '' }
  return normaliseSlowly(path, query)
}

/** A literal of a route's pattern in the form in which `matchPath` has it. Throws ERR_PATH where no path can have it. */
export function normaliseLiteral(literal: string): string {
  return decodeForMatch(canonical(literal))
}

// RFC 9112 §3.2.2: absolute-form. An empty path is `/` (RFC 9110 §4.2.3).
function pathOfAbsolute(target: string): string {
  const scheme = /^https?:\/\//i.exec(target)
  if (scheme === null) return refuse('it does not begin with a slash')
  const slash = target.indexOf('/', scheme[0].length)
  return slash < 0 ? '/' : target.slice(slash)
}

function normaliseSlowly(received: string, query: string): NormalTarget {
  const kept: string[] = []
  const segments = canonical(received).slice(1).split('/')
  // Whether what was taken last leaves an open end, `/a/` rather than `/a`.
  let open = false
  for (let index = 0; index < segments.length; index++) {
    const segment = segments[index]!
    open = segment === '' || segment === '.' || segment === '..'
    if (segment === '..') {
      // RFC 3986 §5.2.4 stays at the root; a path that climbs above it is an attack or a mistake.
      if (kept.pop() === undefined) refuse('it climbs above the root')
    } else if (!open) {
      checkSegment(segment, index === segments.length - 1)
      kept.push(segment)
    }
  }
  const path = `/${kept.join('/')}${open && kept.length > 0 ? '/' : ''}`
  const stripped = path.includes(';') ? `/${path.slice(1).split('/').map(withoutParameter).join('/')}` : path
  return { path, query, matchPath: decodeForMatch(stripped), laxPath: encodedSlash.test(path) ? laxReading(path) : '' }
}

/** Escapes in one spelling: upper-case hex, nothing escaped that needs none, everything escaped that does. */
function canonical(received: string): string {
  let text = ''
  for (let at = 0; at < received.length; at++) {
    const character = received[at]!
    if (character === '%') {
      const hex = received.slice(at + 1, at + 3)
      if (!/^[0-9A-Fa-f]{2}$/.test(hex)) refuse('it holds an invalid percent-escape')
      const code = Number.parseInt(hex, 16)
      if (code === 0) refuse('it holds NUL')
      const decoded = String.fromCharCode(code)
      // RFC 3986 §6.2.2.1 and §6.2.2.2.
      text += code < 0x80 && unreserved.test(decoded) ? decoded : `%${hex.toUpperCase()}`
      at += 2
    } else if (character === '/' || character === ';' || pathCharacter.test(character)) text += character
    else if (escapable.test(character)) text += escape(character)
    else refuse(character === '\\' ? 'it holds a backslash' : 'it holds a character that no path has')
  }
  if (overlong.test(text)) refuse('it holds an overlong UTF-8 sequence')
  return text
}

/** Refuses a segment that is, or holds, a dot segment for a server that decodes more or drops parameters. */
function checkSegment(segment: string, last: boolean): void {
  if (!segment.includes(';') && !segment.includes('%')) return
  for (const piece of segment.split(encodedSlash)) {
    const name = piece.split(parameter, 1)[0]!
    if (name === '.' || name === '..') refuse('it hides a dot segment')
  }
  // `/;x/a` is `//a`, and so `/a`, where parameters are dropped.
  if (!last && withoutParameter(segment) === '') refuse('it hides an empty segment')
}

function withoutParameter(segment: string): string {
  const semicolon = segment.indexOf(';')
  return semicolon < 0 ? segment : segment.slice(0, semicolon)
}

function laxReading(path: string): string {
  const pieces = path
    .slice(1)
    .split(/\/|%2F|%5C/)
    .map(withoutParameter)
  const named = pieces.filter((piece) => piece !== '')
  return decodeForMatch(`/${named.join('/')}${named.length > 0 && pieces.at(-1) === '' ? '/' : ''}`)
}

function decodeForMatch(text: string): string {
  if (!text.includes('%')) return text
  return text.replace(/%([2-7][0-9A-F])/g, (whole, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16))
    return pathCharacter.test(character) ? character : whole
  })
}

function escape(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}

function refuse(why: string): never {
  throw new TurnpikeError('ERR_PATH', { message: `The request path cannot be normalised safely: ${why}.` })
}
