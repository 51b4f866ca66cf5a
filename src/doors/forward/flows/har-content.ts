import type { CapturedBody } from './captured-body.ts'
import { decodedBody } from './decoded-body.ts'
import { fieldOf, type Fields } from './flow.ts'
import type { HarContent } from './har.ts'
import type { Redaction } from './redaction.ts'

/** What an encoded body may become before it is cut to what is kept. */
const DECODED_MOST_BYTES = 8 * 1024 * 1024

/** What is written down of a reply's body: decoded, text as text, `mostBytes` of it. Null for a reply without one. */
export async function harContent(
  body: CapturedBody | null,
  fields: Fields,
  redaction: Redaction,
  mostBytes: number,
): Promise<HarContent> {
  const mimeType = fieldOf(fields, 'content-type')
  if (body === null) return { size: 0, mimeType }
  const coding = fieldOf(fields, 'content-encoding').toLowerCase()
  const raw = body.bytes
  const plain =
    coding === '' || coding === 'identity' || raw.length === 0
      ? null
      : await decodedBody(raw, coding, DECODED_MOST_BYTES)
  const size = plain !== null && body.whole ? plain.length : body.size
  if (mostBytes === 0) return { size, mimeType }
  const bytes = (plain ?? raw).subarray(0, mostBytes)
  const whole = body.whole && bytes.length === (plain ?? raw).length
  const stillCoded = coding !== '' && coding !== 'identity' && plain === null
  const text = stillCoded ? null : textOf(bytes, mimeType, whole)
  return {
    size,
    ...(plain !== null && body.whole && { compression: plain.length - raw.length }),
    mimeType,
    text: text === null ? bytes.toString('base64') : redaction.body(text, mediaType(mimeType)),
    ...(text === null && bytes.length > 0 && { encoding: 'base64' as const }),
    ...cut(bytes.length, body, whole),
  }
}

/** How much is missing. */
export function cut(
  kept: number,
  { size, ended }: CapturedBody,
  whole: boolean,
): { comment?: string; _truncated?: true } {
  if (whole) return {}
  return { comment: ended ? `the first ${kept} bytes` : `broken off after ${size} bytes`, _truncated: true }
}

/** Null for what is no text, or not in the charset that it says. */
export function textOf(bytes: Buffer, contentType: string, whole: boolean): string | null {
  const type = mediaType(contentType)
  const isText =
    type.startsWith('text/') ||
    type === 'multipart/form-data' ||
    /^application\/(?:[\w.-]+\+)?(?:json|xml|x-www-form-urlencoded|javascript|ecmascript|x-javascript|graphql|yaml|toml|x-ndjson|sql)$/.test(
      type,
    ) ||
    type === 'image/svg+xml'
  if (!isText) return null
  try {
    const charset = /;\s*charset="?([\w.:-]+)/i.exec(contentType)?.[1] ?? 'utf-8'
    return new TextDecoder(charset, { fatal: true, ignoreBOM: true }).decode(bytes, { stream: !whole })
  } catch {
    return null
  }
}

export function mediaType(contentType: string): string {
  return contentType.split(';', 1)[0]!.trim().toLowerCase()
}
