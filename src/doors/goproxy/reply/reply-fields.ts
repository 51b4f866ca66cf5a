import { Headers } from '../../../core/headers.ts'
import type { CacheState } from '../library/answer.ts'
import type { Selection, Validators } from './selection.ts'

export interface FieldParts extends Validators {
  /** `Content-Type`. */
  type: string
  cacheControl: string
  /** Whether parts of it are sent. */
  ranges: boolean
  /** What `X-Cache` says; null for nothing. */
  cache: CacheState | null
}

/** The fields of a 200 of a module's file, without its length. */
export function replyFields({ type, cacheControl, ranges, cache, etag, lastModified }: FieldParts): [string, string][] {
  const fields: [string, string][] = [
    ['Content-Type', type],
    ['Cache-Control', cacheControl],
  ]
  if (cache !== null) fields.push(['X-Cache', cache])
  if (etag !== '') fields.push(['ETag', etag])
  if (lastModified !== '') fields.push(['Last-Modified', lastModified])
  if (ranges) fields.push(['Accept-Ranges', 'bytes'])
  return fields
}

/** Status and fields of the reply to a request that selects something of a file of `size` bytes. */
export function selectedHead(
  selection: Selection,
  size: number,
  fields: readonly (readonly [string, string])[],
): { status: number; headers: Headers } {
  const headers = Headers.from(fields)
  switch (selection.kind) {
    case 'all':
      return { status: 200, headers }
    case 'part':
      headers.append('Content-Range', `bytes ${selection.start}-${selection.end - 1}/${size}`)
      return { status: 206, headers }
    case 'notModified':
      // RFC 9110 §15.4.5: what describes the content is not sent without it.
      headers.delete('content-type')
      return { status: 304, headers }
    case 'outside':
      // RFC 9110 §15.5.17
      headers.append('Content-Range', `bytes */${size}`)
      break
    case 'failed':
      break
  }
  for (const name of ['content-type', 'cache-control', 'last-modified']) headers.delete(name)
  return { status: selection.kind === 'outside' ? 416 : 412, headers }
}
