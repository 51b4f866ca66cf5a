import type { CapturedBody } from './captured-body.ts'
import { fieldOf, fieldsOf, type Fields, type Flow } from './flow.ts'
import { cut, harContent, mediaType, textOf } from './har-content.ts'
import type { HarCookie, HarEntry, HarPair, HarPostData, HarTimings } from './har.ts'
import { decoded, REDACTED, type Redaction } from './redaction.ts'

/** What is written down of a flow: `mostBytes` of each body, nothing that `redaction` hides. */
export async function flowEntry(flow: Flow, redaction: Redaction, mostBytes: number): Promise<HarEntry> {
  const { request, reply, failure, times } = flow
  const timings = timingsOf(times, flow.reused)
  const post = request.body === null ? undefined : postData(request.body, request.fields, redaction)
  const content = await harContent(reply?.body ?? null, reply?.fields ?? [], redaction, mostBytes)
  return {
    startedDateTime: new Date(flow.startedWall).toISOString(),
    time: Object.values(timings).reduce((sum, ms) => sum + Math.max(0, ms), 0),
    request: {
      method: request.method,
      url: redaction.url(request.url),
      httpVersion: request.protocol,
      cookies: requestCookies(request.fields, redaction),
      headers: pairs(request.fields, redaction),
      queryString: queryPairs(request.url.match(/\?[^#]*/)?.[0].slice(1) ?? '', redaction),
      ...(post !== undefined && { postData: post }),
      headersSize: -1,
      bodySize: request.body?.size ?? 0,
    },
    response: {
      status: reply?.status ?? 0,
      statusText: reply?.reason ?? '',
      httpVersion: reply?.protocol ?? '',
      cookies: reply === null ? [] : replyCookies(reply.fields, redaction),
      headers: reply === null ? [] : pairs(reply.fields, redaction),
      content,
      redirectURL: redaction.url(fieldOf(reply?.fields ?? [], 'location')),
      headersSize: -1,
      bodySize: reply === null ? -1 : (reply.body?.size ?? 0),
      ...(failure !== null && { _error: failure.code }),
    },
    cache: {},
    timings,
    ...(flow.serverAddress !== '' && { serverIPAddress: flow.serverAddress }),
    connection: String(flow.clientPort),
    _turnpike: {
      id: flow.id,
      listener: flow.listener,
      rule: flow.rule,
      client: flow.clientAddress,
      ...(flow.user !== '' && { user: flow.user }),
      status: flow.status,
      ...(failure !== null && { cause: failure.code, phase: failure.phase }),
    },
  }
}

/** Name, connection and handshake are one span here; a kept connection was waited for at most. */
function timingsOf({ started, connected, sent, firstByte, finished }: Flow['times'], reused: boolean): HarTimings {
  const opening = span(started, connected)
  return {
    blocked: reused ? opening : -1,
    dns: -1,
    connect: reused ? -1 : opening,
    ssl: -1,
    // Never -1 for these three: they are required (HAR 1.2).
    send: connected === 0 || sent === 0 ? 0 : span(connected, sent),
    wait: firstByte === 0 ? 0 : span(Math.max(connected, sent), firstByte),
    receive: span(Math.max(started, connected, sent, firstByte), finished),
  }
}

/** To microseconds; -1 where its end was not reached. */
function span(from: number, to: number): number {
  return to === 0 ? -1 : Math.max(0, Math.round((to - from) * 1000) / 1000)
}

function pairs(fields: Fields, redaction: Redaction): HarPair[] {
  return fields.map(([name, value]) => ({ name, value: redaction.field(name, value) }))
}

function queryPairs(query: string, redaction: Redaction): HarPair[] {
  return query
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const [name, value] = parted(part)
      return { name: decoded(name), value: redaction.hides(decoded(name)) ? REDACTED : decoded(value) }
    })
}

/** RFC 6265 §4.2.1. */
function requestCookies(fields: Fields, redaction: Redaction): HarPair[] {
  return fieldsOf(fields, 'cookie').flatMap((value) =>
    redaction
      .field('cookie', value)
      .split(';')
      .map((part) => part.trim())
      .filter((part) => part !== '')
      .map((part) => {
        const [name, text] = parted(part)
        return { name, value: text }
      }),
  )
}

/** RFC 6265 §4.1.1. */
function replyCookies(fields: Fields, redaction: Redaction): HarCookie[] {
  return fieldsOf(fields, 'set-cookie').map((field) => {
    const [first = '', ...attributes] = redaction.field('set-cookie', field).split(';')
    const [name, value] = parted(first.trim())
    const cookie: HarCookie = { name, value }
    for (const attribute of attributes) {
      const [key, text] = parted(attribute.trim())
      const lower = key.toLowerCase()
      if (lower === 'path') cookie.path = text
      else if (lower === 'domain') cookie.domain = text
      else if (lower === 'secure') cookie.secure = true
      else if (lower === 'httponly') cookie.httpOnly = true
      else if (lower === 'samesite') cookie.sameSite = text
      else if (lower === 'expires' && !Number.isNaN(Date.parse(text))) cookie.expires = new Date(text).toISOString()
    }
    return cookie
  })
}

function postData(body: CapturedBody, fields: Fields, redaction: Redaction): HarPostData {
  const mimeType = fieldOf(fields, 'content-type')
  const type = mediaType(mimeType)
  const bytes = type === 'multipart/form-data' ? redaction.multipart(body.bytes, mimeType) : body.bytes
  const text = fieldOf(fields, 'content-encoding') === '' ? textOf(bytes, mimeType, body.whole) : null
  const shown = text === null ? bytes.toString('base64') : redaction.body(text, type)
  return {
    mimeType,
    ...(text !== null && type === 'application/x-www-form-urlencoded' && { params: queryPairs(text, redaction) }),
    text: shown,
    ...(text === null && bytes.length > 0 && { _encoding: 'base64' as const }),
    ...cut(body.kept, body, body.whole),
  }
}

function parted(text: string): [string, string] {
  const at = text.indexOf('=')
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
