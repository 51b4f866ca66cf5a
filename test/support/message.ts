/** One HTTP/1 message as it stood on the wire, all text latin1. */
export class Message {
  /** First line, without its end. */
  readonly line: string
  /** Names in lower case, in order. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly body: string
  readonly trailers: readonly (readonly [name: string, value: string])[]

  constructor(line: string, fields: Message['fields'], body: string, trailers: Message['trailers']) {
    this.line = line
    this.fields = fields
    this.body = body
    this.trailers = trailers
  }

  get status(): number {
    return Number(this.line.split(' ')[1])
  }

  /** Every value of a field, joined by `, `; undefined where there is none. */
  field(name: string): string | undefined {
    const values = this.fields.filter(([each]) => each === name).map(([, value]) => value)
    return values.length === 0 ? undefined : values.join(', ')
  }
}

/**
 * The message at the start of `text`, or null while it is not complete. `over`: nothing more will come.
 * Understands what this project sends, and no more; throws where that is malformed.
 */
export function readMessage(
  text: string,
  kind: 'request' | 'reply',
  method: string,
  over: boolean,
): { message: Message; size: number } | null {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd < 0) return null
  const [line = '', ...rest] = text.slice(0, headEnd).split('\r\n')
  const fields = rest.map(readField)
  const start = headEnd + 4
  const done = (body: string, size: number, trailers: Message['trailers'] = []) => ({
    message: new Message(line, fields, body, trailers),
    size,
  })
  const value = (name: string): string | undefined => fields.find(([each]) => each === name)?.[1]
  const status = Number(line.split(' ')[1])
  const bodiless = kind === 'reply' && (method === 'HEAD' || status < 200 || status === 204 || status === 304)
  if (bodiless) return done('', start)
  if (value('transfer-encoding') === 'chunked') return readChunks(text, start, done)
  const length = value('content-length')
  if (length !== undefined) {
    const end = start + Number(length)
    return text.length < end ? null : done(text.slice(start, end), end)
  }
  if (kind === 'request') return done('', start)
  return over ? done(text.slice(start), text.length) : null
}

function readChunks<T>(
  text: string,
  start: number,
  done: (body: string, size: number, trailers: Message['trailers']) => T,
): T | null {
  let body = ''
  for (let at = start; ;) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd < 0) return null
    const sizeText = text.slice(at, lineEnd)
    if (!/^[0-9a-f]+$/i.test(sizeText)) throw new Error(`not a chunk size: ${JSON.stringify(sizeText)}`)
    const size = Number.parseInt(sizeText, 16)
    at = lineEnd + 2
    if (size === 0) {
      if (text.startsWith('\r\n', at)) return done(body, at + 2, [])
      const end = text.indexOf('\r\n\r\n', at)
      return end < 0 ? null : done(body, end + 4, text.slice(at, end).split('\r\n').map(readField))
    }
    if (text.length < at + size + 2) return null
    if (!text.startsWith('\r\n', at + size)) throw new Error('a chunk does not end where its size says')
    body += text.slice(at, at + size)
    at += size + 2
  }
}

function readField(line: string): [name: string, value: string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
}
