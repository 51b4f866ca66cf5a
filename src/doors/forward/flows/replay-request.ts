import { z } from 'zod'
import { REDACTED } from './redaction.ts'

const pair = z.object({ name: z.string(), value: z.string().default('') })

/** What a replay needs of an entry, whoever wrote it: browsers leave out and add as they like. */
const entrySchema = z.object({
  request: z.object({
    method: z.string(),
    url: z.string(),
    headers: z.array(pair).default([]),
    postData: z
      .object({
        text: z.string().optional(),
        params: z.array(pair).optional(),
        _encoding: z.string().optional(),
        encoding: z.string().optional(),
        _truncated: z.boolean().optional(),
      })
      .optional(),
    bodySize: z.number().default(-1),
  }),
  response: z.object({
    status: z.number().default(0),
    content: z
      .object({
        text: z.string().optional(),
        encoding: z.string().optional(),
        _truncated: z.boolean().optional(),
      })
      .default({}),
  }),
})

const harSchema = z.object({ log: z.object({ entries: z.array(entrySchema) }) })

export type RecordedFlow = z.output<typeof entrySchema>

/** A recorded request as it is sent again. */
export interface ReplayRequest {
  method: string
  /** With its query. */
  path: string
  fields: [name: string, value: string][]
  body: Buffer | null
}

/** The protocol writes them, or they were for a proxy (RFC 9110 §7.6.1). */
const ofConnection =
  /^(?::.*|connection|keep-alive|proxy-connection|proxy-authorization|te|trailer|transfer-encoding|upgrade|http2-settings|content-length|expect)$/i

/** The entries of a HAR file. Throws a RangeError for what is none. */
export function readFlows(text: string): RecordedFlow[] {
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch {
    throw new RangeError('it is no JSON')
  }
  const read = harSchema.safeParse(data)
  if (read.success) return read.data.log.entries
  const [first] = read.error.issues
  throw new RangeError(`it is no HAR: ${first?.path.join('.') ?? ''}: ${first?.message ?? ''}`)
}

/** What is sent for a flow; a text says why it cannot be. What was redacted is left out. */
export function replayRequest({ request, response }: RecordedFlow, keepsHost: boolean): ReplayRequest | string {
  const { method, headers, postData } = request
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(method) || method === 'CONNECT') return `its method is ${method}`
  if (response.status === 101) return 'it switches protocols'
  const url = URL.parse(request.url)
  if (url === null || !/^https?:$/.test(url.protocol)) return 'its URL is not one of http or https'
  if (postData?.['_truncated'] === true) return 'its body was not recorded whole'
  if (postData === undefined && request.bodySize > 0) return 'its body was not recorded'
  const body = postData === undefined ? null : bodyOf(postData)
  if (body?.includes(REDACTED) === true) return 'secrets are left out of its body'
  const fields = headers
    .filter(({ name, value }) => !ofConnection.test(name) && !value.includes(REDACTED))
    .filter(({ name }) => keepsHost || name.toLowerCase() !== 'host')
    .map(({ name, value }): [string, string] => [name, value])
  if (keepsHost && !headers.some(({ name }) => name.toLowerCase() === 'host')) fields.unshift(['Host', url.host])
  return { method, path: pathOf(request.url), fields, body }
}

/** As it stood there: a URL object would write it anew. */
function pathOf(url: string): string {
  const [, path = '', query = ''] = /^[^:]*:\/\/[^/?#]*([^?#]*)(\?[^#]*)?/.exec(url) ?? []
  const kept = query
    .slice(1)
    .split('&')
    .filter((part) => !part.endsWith(`=${REDACTED}`))
    .join('&')
  return `${path === '' ? '/' : path}${kept === '' ? '' : `?${kept}`}`
}

function bodyOf({ text, params, encoding, _encoding }: NonNullable<RecordedFlow['request']['postData']>): Buffer {
  if (text !== undefined && text !== '')
    return Buffer.from(text, (encoding ?? _encoding) === 'base64' ? 'base64' : 'utf8')
  return Buffer.from(new URLSearchParams(params?.map(({ name, value }): [string, string] => [name, value])).toString())
}
