import type { TestContext } from 'node:test'
import { startOrigin, type Origin } from '../support/origin.ts'
import type { RawPeer } from '../support/raw-peer.ts'

/** RFC 9113 §6: the frames that these tests write by hand. */
export const frameType = { data: 0, headers: 1, rstStream: 3, settings: 4, goaway: 7 } as const
export const END_STREAM = 1
export const END_HEADERS = 4
export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

export interface Frame {
  type: number
  flags: number
  stream: number
  payload: string
}

export function frame(type: number, flags: number, stream: number, payload = ''): string {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return head.toString('latin1') + payload
}

/** A head of `:status: 200` alone (RFC 7541, static table). */
export function okHead(stream: number, flags = 0): string {
  return frame(frameType.headers, END_HEADERS | flags, stream, '\x88')
}

export function number(value: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes.toString('latin1')
}

export const emptySettings = frame(frameType.settings, 0, 0)

/**
 * An endpoint that writes frames by hand. It sends its SETTINGS at once, and then what `answer` makes of
 * each request's HEADERS; null hangs up.
 */
export function startFrames(
  t: TestContext,
  answer: (stream: number, connection: RawPeer, index: number) => string | null,
  settings = emptySettings,
): Promise<Origin> {
  return startOrigin(t, async (connection, _origin, index) => {
    connection.send(settings)
    await connection.until(({ text }) => text.length >= PREFACE.length, 'the preface')
    connection.text = connection.text.slice(PREFACE.length)
    for (;;) {
      const read = await nextFrame(connection)
      if (read === null) return
      if (read.type !== frameType.headers) continue
      const reply = answer(read.stream, connection, index)
      if (reply === null) connection.socket.destroy()
      else connection.send(reply)
    }
  })
}

function sizeOf(text: string): number {
  return 9 + Buffer.from(text.slice(0, 3), 'latin1').readUIntBE(0, 3)
}

/** Takes the next frame; null where the connection ended before one. */
async function nextFrame(peer: RawPeer): Promise<Frame | null> {
  await peer.until(
    ({ text, ended, closed }) => ended || closed || (text.length >= 9 && text.length >= sizeOf(text)),
    'a frame',
    60_000,
  )
  const { text } = peer
  if (text.length < 9 || text.length < sizeOf(text)) return null
  peer.text = text.slice(sizeOf(text))
  return {
    type: text.charCodeAt(3),
    flags: text.charCodeAt(4),
    stream: Buffer.from(text.slice(5, 9), 'latin1').readUInt32BE(),
    payload: text.slice(9, sizeOf(text)),
  }
}
