/** A head as a strict peer reads it. */
export interface Head {
  start: string
  /** Names in lower case; repeated fields joined by ', '. */
  fields: Map<string, string>
  /** Replies alone. */
  status: number
}

export interface MessageEvents {
  head(head: Head): void
  body(bytes: Buffer): void
  /** The message is complete; trailers in lower case. */
  end(trailers: Map<string, string>): void
  /** What came is no HTTP that any peer would send. */
  broken(why: string): void
}

type State = 'head' | 'length' | 'size' | 'data' | 'data-end' | 'trailers' | 'until-close' | 'off'

const HEAD_END = Buffer.from('\r\n\r\n')
const LINE_END = Buffer.from('\r\n')

/**
 * Reads HTTP/1 messages one after the other: a second, plain reading of the protocol, sharing
 * nothing with the engine's. It accepts only what the engine should write.
 */
export class MessageReader {
  /** Bytes that belong to no message yet. */
  rest: Buffer = Buffer.alloc(0)
  private readonly events: MessageEvents
  /** Method of the request that the next reply is for; null where requests are read. */
  private readonly methodOf: (() => string) | null
  private state: State = 'head'
  private remaining = 0

  constructor(methodOf: (() => string) | null, events: MessageEvents) {
    this.methodOf = methodOf
    this.events = events
  }

  /** Nothing of a message was read that is not complete. */
  get isBetween(): boolean {
    return this.state === 'head' && this.rest.length === 0
  }

  /** Reads no more: what follows belongs to something else. */
  stop(): void {
    this.state = 'off'
  }

  feed(bytes: Buffer): void {
    this.rest = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes])
    while (this.step());
  }

  /** The connection ended in good order; completes what runs until close. */
  close(): void {
    if (this.state !== 'until-close') return
    this.state = 'head'
    this.events.end(new Map())
  }

  private step(): boolean {
    switch (this.state) {
      case 'head':
        return this.readHead()
      case 'length':
      case 'data':
        return this.readData()
      case 'size':
        return this.readSize()
      case 'data-end':
        return this.readDataEnd()
      case 'trailers':
        return this.readTrailers()
      case 'until-close':
        if (this.rest.length > 0) this.events.body(this.take(this.rest.length))
        return false
      default:
        return false
    }
  }

  private readHead(): boolean {
    const end = this.rest.indexOf(HEAD_END)
    if (end < 0) return false
    const text = this.take(end + 4).toString('latin1')
    const [start, ...lines] = text.slice(0, -4).split('\r\n')
    const fields = this.readFields(lines)
    if (fields === null) return false
    const isReply = this.methodOf !== null
    const match = isReply
      ? /^HTTP\/1\.1 (\d{3}) [^\r\n]*$/.exec(start!)
      : /^[A-Z]+ \/[^ \r\n]* HTTP\/1\.1$/.exec(start!)
    if (match === null) return this.fail(`start line ${JSON.stringify(start)}`)
    const status = isReply ? Number(match[1]) : 0
    const method = isReply && status >= 200 ? this.methodOf() : ''
    const bodiless = isReply && (status < 200 || status === 204 || status === 304 || method === 'HEAD')
    const coding = fields.get('transfer-encoding')
    const length = fields.get('content-length')
    if (coding !== undefined && (coding !== 'chunked' || length !== undefined)) return this.fail('ambiguous framing')
    if (length !== undefined && !/^\d+$/.test(length)) return this.fail(`content-length ${length}`)
    if (isReply && status < 200 && (coding ?? length) !== undefined) return this.fail('a framed 1xx')
    this.state = bodiless ? 'head' : coding !== undefined ? 'size' : 'length'
    this.remaining = length === undefined ? 0 : Number(length)
    if (!bodiless && isReply && coding === undefined && length === undefined) this.state = 'until-close'
    this.events.head({ start: start!, fields, status })
    if ((bodiless && status >= 200) || (this.state === 'length' && this.remaining === 0)) return this.finish(new Map())
    return true
  }

  private readFields(lines: string[]): Map<string, string> | null {
    const fields = new Map<string, string>()
    for (const line of lines) {
      const match = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/.exec(line)
      if (match === null) {
        this.fail(`field line ${JSON.stringify(line)}`)
        return null
      }
      const name = match[1]!.toLowerCase()
      const before = fields.get(name)
      fields.set(name, before === undefined ? match[2]! : `${before}, ${match[2]!}`)
    }
    return fields
  }

  private readData(): boolean {
    if (this.rest.length === 0) return false
    const bytes = this.take(Math.min(this.remaining, this.rest.length))
    this.remaining -= bytes.length
    this.events.body(bytes)
    if (this.remaining > 0) return false
    if (this.state === 'length') return this.finish(new Map())
    this.state = 'data-end'
    return true
  }

  private readSize(): boolean {
    const end = this.rest.indexOf(LINE_END)
    if (end < 0) return false
    const line = this.take(end + 2).toString('latin1', 0, end)
    if (!/^[0-9a-f]+$/i.test(line)) return this.fail(`chunk size ${JSON.stringify(line)}`)
    this.remaining = Number.parseInt(line, 16)
    this.state = this.remaining > 0 ? 'data' : 'trailers'
    return true
  }

  private readDataEnd(): boolean {
    if (this.rest.length < 2) return false
    const end = this.take(2).toString('latin1')
    if (end !== '\r\n') return this.fail(`chunk end ${JSON.stringify(end)}`)
    this.state = 'size'
    return true
  }

  private readTrailers(): boolean {
    if (this.rest.length < 2) return false
    const empty = this.rest.indexOf(LINE_END) === 0
    const end = empty ? 0 : this.rest.indexOf(HEAD_END)
    if (end < 0) return false
    const text = this.take(empty ? 2 : end + 4).toString('latin1')
    const fields = empty ? new Map<string, string>() : this.readFields(text.slice(0, -4).split('\r\n'))
    return fields === null ? false : this.finish(fields)
  }

  private finish(trailers: Map<string, string>): boolean {
    this.state = 'head'
    this.events.end(trailers)
    return true
  }

  private fail(why: string): false {
    this.state = 'off'
    this.events.broken(why)
    return false
  }

  private take(length: number): Buffer {
    const bytes = this.rest.subarray(0, length)
    this.rest = this.rest.subarray(length)
    return bytes
  }
}
