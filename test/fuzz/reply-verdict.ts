import { request, type IncomingMessage } from 'node:http'
import { ChunkedDecoder } from '../../src/wire/http1/chunked-decoder.ts'
import { defaultHeadLimits, FAULTY, MORE } from '../../src/wire/http1/head-parser.ts'
import { ResponseHeadParser } from '../../src/wire/http1/response-head.ts'
import { MemorySocket } from './memory-socket.ts'

/** A reply as one parser understood it, or the code of its refusal. */
export interface ReplyVerdict {
  /** '' where no head was read. */
  head: string
  /** Null where it did not end. */
  body: string | null
  /** 'end', 'incomplete', or the code of the refusal. */
  ending: string
}

/** What Turnpike's wire makes of a connection that carries one reply to GET, then ends. */
export function ownReplyVerdict(pieces: Buffer[]): ReplyVerdict {
  const parser = new ResponseHeadParser(defaultHeadLimits)
  const chunks = new ChunkedDecoder()
  let head = ''
  let framing = ''
  let left = 0
  let body = ''
  for (const piece of pieces) {
    let at = 0
    while (framing === '' && at < piece.length) {
      at = parser.read(piece, at, piece.length)
      if (at === FAULTY) return { head: '', body: null, ending: parser.error.code }
      if (at === MORE) break
      const { status, reason, versionMinor, headers, contentLength } = parser.head
      if (status < 200 && status !== 101) continue
      head = headOf(status, reason, versionMinor, [...headers].flat())
      framing = parser.head.framing('GET')
      left = contentLength
    }
    if (framing === '') continue
    if (framing === 'close') body += piece.toString('latin1', at)
    if (framing === 'length') {
      const stop = Math.min(piece.length, at + left)
      body += piece.toString('latin1', at, stop)
      left -= stop - at
    }
    if (framing !== 'chunked') continue
    while (at < piece.length && !chunks.done && chunks.fault === null) {
      at = chunks.next(piece, at, piece.length)
      body += piece.toString('latin1', chunks.dataStart, chunks.dataEnd)
    }
  }
  if (chunks.fault !== null) return { head, body: null, ending: 'ERR_UPSTREAM_CHUNK' }
  const ended = framing === 'none' || framing === 'close' || (framing === 'length' ? left === 0 : chunks.done)
  return ended ? { head, body, ending: 'end' } : { head, body: null, ending: 'incomplete' }
}

/** What Node's own client makes of it (llhttp, strict). */
export function nodeReplyVerdict(pieces: Buffer[]): Promise<ReplyVerdict> {
  return new Promise((resolve) => {
    const socket = new MemorySocket([...pieces])
    const asked = request({ createConnection: () => socket, insecureHTTPParser: false, maxHeaderSize: 65_536 })
    const body: Buffer[] = []
    let seen: IncomingMessage | null = null
    let ending = ''
    asked.on('response', (reply) => {
      seen = reply
      reply.on('data', (chunk: Buffer) => body.push(chunk))
      reply.on('error', () => undefined)
      reply.on('close', () => socket.destroy())
    })
    asked.on('upgrade', (reply) => {
      seen = reply
      socket.destroy()
    })
    asked.on('error', (error: NodeJS.ErrnoException) => (ending ||= error.code ?? error.message))
    socket.on('close', () =>
      // Node tells the listeners of a message that broke off a turn later.
      setImmediate(() => {
        const head =
          seen === null ? '' : headOf(seen.statusCode!, seen.statusMessage!, seen.httpVersionMinor, seen.rawHeaders)
        const complete = seen !== null && (seen.complete || seen.statusCode === 101)
        if (complete) resolve({ head, body: Buffer.concat(body).toString('latin1'), ending: 'end' })
        else
          resolve({
            head,
            body: null,
            ending: ending.startsWith('HPE_') && ending !== 'HPE_INVALID_EOF_STATE' ? ending : 'incomplete',
          })
      }),
    )
    asked.end()
  })
}

function headOf(status: number, reason: string, minor: number, fields: string[]): string {
  return JSON.stringify([status, reason, minor, fields])
}
