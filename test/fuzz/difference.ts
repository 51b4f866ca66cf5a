import { isTrailerAllowed } from '../../src/wire/http1/trailer-fields.ts'
import type { ReplyVerdict } from './reply-verdict.ts'
import type { SeenRequest, Verdict } from './verdict.ts'

/** The first point where two parsers part. */
export interface Difference {
  /** Turnpike refuses what Node takes, the other way round, or both take it and read it differently. */
  kind: 'stricter' | 'laxer' | 'value'
  own: string
  node: string
  /** The bytes from the start of the request in question. */
  rest: string
  /** The bytes before that. */
  before: string
}

/** Where the two verdicts on the same bytes part, or null where they agree. Two refusals agree, whatever their codes. */
export function findDifference(text: string, own: Verdict & { starts: number[] }, node: Verdict): Difference | null {
  const differ = (kind: Difference['kind'], index: number): Difference => {
    const start = own.starts[index] ?? text.length
    return { kind, own: own.ending, node: node.ending, rest: text.slice(start), before: text.slice(0, start) }
  }
  const refused = own.ending.startsWith('ERR_')
  const nodeRefused = node.ending.startsWith('HPE_')
  for (let index = 0; index < Math.max(own.requests.length, node.requests.length); index++) {
    const ours = own.requests[index]
    const theirs = node.requests[index]
    // After the last request of a connection Turnpike reads no more.
    if (ours === undefined) return own.ending === 'last' ? null : differ(refused ? 'stricter' : 'value', index)
    if (theirs === undefined) return differ(nodeRefused ? 'laxer' : 'value', index)
    if (!isSameHead(ours, theirs)) return differ('value', index)
    if (ours.body === null && theirs.body === null) continue
    if (ours.body === null) return differ(refused ? 'stricter' : 'value', index)
    if (theirs.body === null) return differ(nodeRefused ? 'laxer' : 'value', index)
    if (ours.body !== theirs.body || !isSame(ours.trailers, allowedTrailers(theirs.trailers)))
      return differ('value', index)
  }
  if (own.ending === 'last' || own.ending === node.ending || (refused && nodeRefused)) return null
  const unfinished = own.requests.findIndex((request) => request.body === null)
  const index = unfinished < 0 ? own.requests.length : unfinished
  if (refused) return differ('stricter', index)
  return differ(nodeRefused ? 'laxer' : 'value', index)
}

function isSameHead(one: SeenRequest, other: SeenRequest): boolean {
  // RFC 9110 §2.5: Turnpike handles any higher minor version as 1.
  return (
    one.method === other.method &&
    one.target === other.target &&
    one.minor === other.minor &&
    isSame(one.fields, other.fields)
  )
}

function isSame(one: string[], other: string[]): boolean {
  return one.length === other.length && one.every((text, index) => text === other[index])
}

function allowedTrailers(pairs: string[]): string[] {
  const allowed: string[] = []
  for (let at = 0; at < pairs.length; at += 2) {
    if (isTrailerAllowed(pairs[at]!.toLowerCase())) allowed.push(pairs[at]!, pairs[at + 1]!)
  }
  return allowed
}

/** The same for a reply. */
export function findReplyDifference(text: string, own: ReplyVerdict, node: ReplyVerdict): Difference | null {
  const refused = own.ending.startsWith('ERR_')
  const nodeRefused = node.ending.startsWith('HPE_')
  if (refused && nodeRefused) return null
  if (own.ending === node.ending && own.head === node.head && own.body === node.body) return null
  const kind = refused ? 'stricter' : nodeRefused ? 'laxer' : 'value'
  const interim = /^HTTP\/1\.1 103 .*?\r\n\r\n/s.exec(text)?.[0] ?? ''
  return { kind, own: own.ending, node: node.ending, rest: text.slice(interim.length), before: interim }
}
