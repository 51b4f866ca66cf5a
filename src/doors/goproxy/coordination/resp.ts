/** One reply of a Redis server (RESP2, https://redis.io/docs/latest/develop/reference/protocol-spec/). */
export type RespReply = string | number | null | RespError | RespReply[]

/** What a server answers instead of what was asked for: `WRONGPASS …`. */
export class RespError extends Error {
  override readonly name = 'RespError'
}

/** Locks are a few dozen bytes: whoever sends more is no server that we asked. */
const MAX_BYTES = 65_536
const MAX_DEPTH = 4

/** A command as bytes. */
export function respCommand(words: readonly string[]): Buffer {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`)
  return Buffer.from(`*${words.length}\r\n${parts.join('')}`)
}

/** Reads replies from bytes as they come. */
export class RespReader {
  private kept = Buffer.alloc(0)

  /** The replies that are whole by now. Throws where it is not RESP, or too much of it. */
  read(bytes: Uint8Array): RespReply[] {
    this.kept = Buffer.concat([this.kept, bytes])
    const replies: RespReply[] = []
    for (let at = 0; ;) {
      const found = parse(this.kept, at, 0)
      if (found === null) {
        this.kept = this.kept.subarray(at)
        if (this.kept.length > MAX_BYTES) throw new Error('the reply is too long')
        return replies
      }
      replies.push(found.reply)
      at = found.next
    }
  }
}

interface Parsed {
  reply: RespReply
  next: number
}

/** The reply that begins at `at`; null where it is not all there. */
function parse(bytes: Buffer, at: number, depth: number): Parsed | null {
  const lineEnd = bytes.indexOf('\r\n', at)
  if (lineEnd === -1) return null
  const text = bytes.toString('utf8', at + 1, lineEnd)
  const next = lineEnd + 2
  switch (bytes[at]) {
    case 0x2b: // +
      return { reply: text, next }
    case 0x2d: // -
      return { reply: new RespError(text), next }
    case 0x3a: // :
      return { reply: integer(text), next }
    case 0x24: // $
      return parseBulk(bytes, next, length(text))
    case 0x2a: // *
      return parseArray(bytes, next, length(text), depth + 1)
    default:
      throw new Error('the reply is not RESP')
  }
}

function parseBulk(bytes: Buffer, at: number, size: number): Parsed | null {
  if (size === -1) return { reply: null, next: at }
  if (bytes.length < at + size + 2) return null
  return { reply: bytes.toString('utf8', at, at + size), next: at + size + 2 }
}

function parseArray(bytes: Buffer, at: number, count: number, depth: number): Parsed | null {
  if (count === -1) return { reply: null, next: at }
  if (depth > MAX_DEPTH) throw new Error('the reply is too deep')
  const reply: RespReply[] = []
  let next = at
  for (let index = 0; index < count; index++) {
    const found = parse(bytes, next, depth)
    if (found === null) return null
    reply.push(found.reply)
    next = found.next
  }
  return { reply, next }
}

function integer(text: string): number {
  if (!/^[+-]?\d{1,15}$/.test(text)) throw new Error('the reply is not RESP')
  return Number(text)
}

function length(text: string): number {
  const size = integer(text)
  if (size < -1 || size > MAX_BYTES) throw new Error('the reply is too long')
  return size
}
