import type { RawPeer } from './raw-peer.ts'
import { connectRaw } from './raw-client.ts'

/** RFC 9113 §6 */
export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

export const END_STREAM = 1
export const END_HEADERS = 4
export const ENHANCE_YOUR_CALM = 11
const HEAD_BYTES = 9
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export interface Frame {
  type: number
  flags: number
  stream: number
  payload: Buffer
}

/** One frame, whatever the rules say of it. */
export function frame(
  type: keyof typeof frameTypes,
  flags: number,
  stream: number,
  payload: Buffer | number[] = [],
): Buffer {
  const body = Buffer.from(payload)
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUIntBE(body.length, 0, 3)
  head[3] = frameTypes[type]
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, body])
}

/** 32 bits, as the payload of RST_STREAM and WINDOW_UPDATE. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** A SETTINGS frame. */
export function settings(...pairs: [id: number, value: number][]): Buffer {
  return frame(
    'settings',
    0,
    0,
    Buffer.concat(pairs.map(([id, value]) => Buffer.concat([Buffer.from([id >> 8, id & 255]), uint32(value)]))),
  )
}

/** A header block: literals that are not indexed, in plain text (RFC 7541 §6.2.2). */
export function headerBlock(fields: Iterable<readonly [string, string]>): Buffer {
  const parts: Buffer[] = []
  for (const [name, value] of fields) parts.push(Buffer.from([0]), text(name), text(value))
  return Buffer.concat(parts)
}

/** The pseudo-fields of a request over a plain connection. */
export function request(method = 'GET', path = '/'): [string, string][] {
  return [
    [':method', method],
    [':scheme', 'http'],
    [':authority', 'a.test'],
    [':path', path],
  ]
}

/** HEADERS of a whole request. */
export function get(stream: number, fields: [string, string][] = []): Buffer {
  return frame('headers', END_HEADERS | END_STREAM, stream, headerBlock([...request(), ...fields]))
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  return Buffer.concat([integer(bytes.length, 7), bytes])
}

/** RFC 7541 §5.1, without the bits above the prefix. */
function integer(value: number, prefix: number): Buffer {
  const limit = 2 ** prefix - 1
  if (value < limit) return Buffer.from([value])
  const bytes = [limit]
  let rest = value - limit
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  bytes.push(rest)
  return Buffer.from(bytes)
}

/** A client that sends HTTP/2 frames as they are given to it. */
export class FramePeer {
  readonly peer: RawPeer

  private constructor(peer: RawPeer) {
    this.peer = peer
  }

  /** Connects with prior knowledge, sends the preface, byte by byte, and these settings. */
  static async connect(port: number, ...pairs: [id: number, value: number][]): Promise<FramePeer> {
    const peer = await connectRaw(port)
    for (const byte of preface) {
      peer.send(Buffer.from([byte]))
      await new Promise((resolve) => setImmediate(resolve))
    }
    peer.send(settings(...pairs))
    return new FramePeer(peer)
  }

  send(...frames: Buffer[]): void {
    if (!this.peer.closed) this.peer.send(Buffer.concat(frames))
  }

  /** All whole frames so far. */
  get frames(): Frame[] {
    const bytes = Buffer.from(this.peer.text, 'latin1')
    const frames: Frame[] = []
    for (let at = 0; at + HEAD_BYTES <= bytes.length;) {
      const end = at + HEAD_BYTES + bytes.readUIntBE(at, 3)
      if (end > bytes.length) break
      frames.push({
        type: bytes[at + 3]!,
        flags: bytes[at + 4]!,
        stream: bytes.readUInt32BE(at + 5),
        payload: bytes.subarray(at + HEAD_BYTES, end),
      })
      at = end
    }
    return frames
  }

  /** Resolves with the first frame of that type, on that stream where one is given. */
  async first(type: keyof typeof frameTypes, stream?: number): Promise<Frame> {
    const find = (): Frame | undefined =>
      this.frames.find((each) => each.type === frameTypes[type] && (stream === undefined || each.stream === stream))
    await this.peer.until(() => find() !== undefined, `a ${type} frame`)
    return find()!
  }

  /** The error code of the GOAWAY that came, once the connection is over; null where none came. */
  async goawayCode(): Promise<number | null> {
    await this.peer.until(({ ended, closed }) => ended || closed, 'the end of the connection')
    const goaway = this.frames.findLast((each) => each.type === frameTypes.goaway)
    return goaway === undefined ? null : goaway.payload.readUInt32BE(4)
  }
}
