/** What routing needs of a TLS ClientHello. */
export interface ClientHello {
  /** The host_name asked for: lower case, no trailing dot; '' for none and for an address. */
  sni: string
  /** Application protocols offered, in order, GREASE left out. */
  alpn: string[]
}

/** `more`: not complete yet. `other`: these bytes are no ClientHello that can be read. */
export type ClientHelloResult = ClientHello | 'more' | 'other'

const MAX_MESSAGE = 16_384
const RECORD_HEADER = 5
const MESSAGE_HEADER = 4
const HANDSHAKE_RECORD = 22
const CLIENT_HELLO = 1
const SERVER_NAME = 0
const ALPN = 16

/**
 * Reads a ClientHello at any split, over any number of TLS records (RFC 8446 §5.1 lets a handshake
 * message be cut up), up to 16 KiB. It keeps its own copy of the message; bytes after it are not looked at.
 */
export class ClientHelloReader {
  private readonly recordHeader = Buffer.allocUnsafe(RECORD_HEADER)
  private headerLength = 0
  private recordLeft = 0
  /** Its own header first; as large as that says once it is complete. */
  private message: Buffer = Buffer.allocUnsafe(MESSAGE_HEADER)
  private filled = 0
  private result: ClientHelloResult = 'more'

  /** Takes the next bytes of the connection. What it answers other than `more` stays its answer. */
  read(chunk: Buffer): ClientHelloResult {
    let at = 0
    while (at < chunk.length && this.result === 'more') {
      if (this.recordLeft === 0) {
        this.recordHeader[this.headerLength++] = chunk[at++]!
        if (this.headerLength === RECORD_HEADER) this.startRecord()
      } else {
        const end = Math.min(chunk.length, at + this.recordLeft)
        this.append(chunk.subarray(at, end))
        this.recordLeft -= end - at
        at = end
      }
    }
    return this.result
  }

  private startRecord(): void {
    const header = this.recordHeader
    this.headerLength = 0
    this.recordLeft = header.readUInt16BE(3)
    // RFC 8446 §5.1: an empty fragment of a handshake message is not allowed.
    const fits = this.recordLeft > 0 && this.recordLeft <= MAX_MESSAGE
    if (header[0] !== HANDSHAKE_RECORD || header[1] !== 3 || !fits) this.result = 'other'
  }

  private append(fragment: Buffer): void {
    const taken = fragment.copy(this.message, this.filled)
    this.filled += taken
    if (this.filled < this.message.length) return
    if (this.filled > MESSAGE_HEADER) {
      this.result = parseHello(this.message.subarray(MESSAGE_HEADER)) ?? 'other'
      return
    }
    const length = this.message.readUIntBE(1, 3)
    if (this.message[0] !== CLIENT_HELLO || length === 0 || length > MAX_MESSAGE) this.result = 'other'
    else {
      this.message = Buffer.concat([this.message, Buffer.allocUnsafe(length)])
      this.append(fragment.subarray(taken))
    }
  }
}

/** Null where a length does not fit. */
function parseHello(body: Buffer): ClientHello | null {
  const hello = new Vector(body)
  hello.skip(2 + 32)
  hello.vector(1) // legacy_session_id
  hello.vector(2) // cipher_suites
  hello.vector(1) // legacy_compression_methods
  const found: ClientHello = { sni: '', alpn: [] }
  if (hello.ok && hello.left === 0) return found
  const extensions = hello.vector(2)
  const seen = new Set<number>()
  while (extensions.left > 0 && extensions.ok) {
    const type = extensions.number(2)
    const data = extensions.vector(2)
    // RFC 8446 §4.2: no extension twice.
    if (seen.has(type)) return null
    seen.add(type)
    if (type === SERVER_NAME && !readServerName(data, found)) return null
    if (type === ALPN && !readAlpn(data, found)) return null
  }
  return hello.ok && extensions.ok ? found : null
}

function readServerName(data: Vector, found: ClientHello): boolean {
  const list = data.vector(2)
  let names = 0
  while (list.left > 0 && list.ok) {
    const type = list.number(1)
    const name = list.vector(2)
    if (type !== 0) continue
    found.sni = hostName(name.text())
    names++
  }
  // RFC 6066 §3: not more than one name of a type.
  return data.ok && list.ok && names <= 1
}

function readAlpn(data: Vector, found: ClientHello): boolean {
  const list = data.vector(2)
  while (list.left > 0 && list.ok) {
    const protocol = list.vector(1).text()
    if (!isGrease(protocol)) found.alpn.push(protocol)
  }
  return data.ok && list.ok
}

/** RFC 8701 §2: GREASE protocols are two equal bytes 0x?A. */
function isGrease(protocol: string): boolean {
  const first = protocol.charCodeAt(0)
  return protocol.length === 2 && first === protocol.charCodeAt(1) && (first & 0x0f) === 0x0a
}

/** RFC 6066 §3: a DNS name without trailing dot; addresses are not permitted. */
function hostName(text: string): string {
  const name = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase()
  const isName = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(name) && name.length <= 253
  return isName && !/(?:^|\.)\d+$/.test(name) ? name : ''
}

/** Bytes read from the front; `ok` is false once more was asked for than there was. */
class Vector {
  ok = true
  private readonly bytes: Buffer
  private at = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get left(): number {
    return this.bytes.length - this.at
  }

  skip(length: number): void {
    if (length > this.left) this.ok = false
    this.at = Math.min(this.bytes.length, this.at + length)
  }

  number(size: number): number {
    const from = this.at
    this.skip(size)
    return this.ok ? this.bytes.readUIntBE(from, size) : 0
  }

  /** What stands behind a length of `size` bytes. */
  vector(size: number): Vector {
    const length = this.number(size)
    const from = this.at
    this.skip(length)
    return new Vector(this.bytes.subarray(from, this.ok ? this.at : from))
  }

  text(): string {
    return this.bytes.latin1Slice(this.at, this.bytes.length)
  }
}
