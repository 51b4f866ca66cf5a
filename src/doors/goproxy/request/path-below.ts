import { TurnpikeError } from '../../../core/error.ts'

/** A request's path, decoded once, without its first slash and its mount; the query without its question mark. */
export interface PathBelow {
  path: string
  query: string
}

// What no part of a module's URL is made of, decoded: all but printable ASCII.
const unprintable = /[^\x21-\x7e]/

/**
 * Takes the mount off a request target as received, by segments, and decodes the rest once (G1). Nothing is
 * normalised: what another server could read in another way is refused. Throws ERR_MODULE_PATH.
 */
export function pathBelow(target: string, mount: string): PathBelow {
  const mark = target.indexOf('?')
  const received = mark < 0 ? target : target.slice(0, mark)
  // RFC 9112 §3.2.2: absolute-form.
  const raw = received.startsWith('/') ? received : received.replace(/^https?:\/\/[^/]*/i, '')
  if (!raw.startsWith('/')) refuse('it does not begin with a slash')
  const segments = raw.slice(1).split('/').map(decoded)
  for (const each of mount.split('/').slice(1)) if (segments.shift() !== each) refuse(`it is not below ${mount}`)
  if (segments.length > 1 && segments.some((segment) => segment === '')) refuse('a part of it is empty')
  return { path: segments.join('/'), query: mark < 0 ? '' : target.slice(mark + 1) }
}

function decoded(segment: string): string {
  const text = segment.replace(/%([0-9A-Fa-f]{2})?/g, (_, hex?: string) => {
    if (hex === undefined) refuse('it holds an invalid percent-escape')
    return String.fromCharCode(Number.parseInt(hex, 16))
  })
  if (unprintable.test(text)) refuse('it holds a character that no module path has')
  if (text === '.' || text === '..') refuse('it holds a dot segment')
  // An escaped slash would be one more segment to some, and part of this one to others.
  if (/[/\\]/.test(text)) refuse('it hides a slash')
  return text
}

function refuse(why: string): never {
  throw new TurnpikeError('ERR_MODULE_PATH', { message: `The request path cannot be read: ${why}.` })
}
