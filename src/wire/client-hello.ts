/** What routing and the log need of a TLS ClientHello. GREASE (RFC 8701) is left out everywhere. */
export interface ClientHello {
  /** The host_name asked for: lower case, no trailing dot; '' for none and for an address. */
  sni: string
  /** Application protocols offered, in order. */
  alpn: string[]
  /** The highest version offered, as TLS numbers it: 0x0304 for 1.3. */
  version: number
  /**
   * It has an Encrypted ClientHello, so `sni` may be a cover (T3). Nobody on the way can tell a real one from GREASE,
   * which browsers send to servers without ECH.
   */
  outer: boolean
  /** Codes in the order they came: what `ja4` is made of. */
  ciphers: number[]
  extensions: number[]
  signatureAlgorithms: number[]
}

/** `more`: not complete yet. `other`: these bytes are no ClientHello that can be read. */
export type ClientHelloResult = ClientHello | 'more' | 'other'

const MAX_MESSAGE = 16_384
const RECORD_HEADER = 5
const MESSAGE_HEADER = 4
const HANDSHAKE_RECORD = 22
const CLIENT_HELLO = 1
const SERVER_NAME = 0
const SIGNATURE_ALGORITHMS = 13
const ALPN = 16
const SUPPORTED_VERSIONS = 43
/** RFC 9849 §5. */
const ENCRYPTED_CLIENT_HELLO = 0xfe0d

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
  const version = hello.number(2)
  hello.skip(32)
  hello.vector(1) // legacy_session_id
  const ciphers = codes(hello.vector(2))
  hello.vector(1) // legacy_compression_methods
  if (ciphers === null || !hello.ok) return null
  const found = { sni: '', alpn: [], version, outer: false, ciphers, extensions: [], signatureAlgorithms: [] }
  return hello.left === 0 || readExtensions(hello, found) ? found : null
}

function readExtensions(hello: Vector, found: ClientHello): boolean {
  const list = hello.vector(2)
  const seen = new Set<number>()
  while (list.left > 0 && list.ok) {
    const type = list.number(2)
    const data = list.vector(2)
    // RFC 8446 §4.2: no extension twice.
    if (seen.has(type) || !(readers[type]?.(data, found) ?? true)) return false
    seen.add(type)
    if (!isGrease(type)) found.extensions.push(type)
  }
  return hello.ok && list.ok
}

/** By type: false where the extension is malformed. */
const readers: Record<number, (data: Vector, found: ClientHello) => boolean> = {
  [SERVER_NAME]: readServerName,
  [ALPN]: readAlpn,
  [SIGNATURE_ALGORITHMS](data, found) {
    const list = codes(data.vector(2))
    if (list !== null) found.signatureAlgorithms = list
    return data.ok && list !== null
  },
  [SUPPORTED_VERSIONS](data, found) {
    const list = codes(data.vector(1))
    if (list !== null && list.length > 0) found.version = Math.max(...list)
    return data.ok && list !== null
  },
  [ENCRYPTED_CLIENT_HELLO](data, found) {
    // RFC 9849 §5: 0 is the outer hello; an inner one never travels in the clear.
    found.outer = data.number(1) === 0
    return data.ok
  },
}

/** Numbers of two bytes, GREASE left out; null where they do not fit. */
function codes(list: Vector): number[] | null {
  const found: number[] = []
  while (list.left > 0 && list.ok) {
    const code = list.number(2)
    if (list.ok && !isGrease(code)) found.push(code)
  }
  return list.ok ? found : null
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
    const isCode = protocol.length === 2
    if (!isCode || !isGrease((protocol.charCodeAt(0) << 8) | protocol.charCodeAt(1))) found.alpn.push(protocol)
  }
  return data.ok && list.ok
}

/** RFC 8701 §2: two equal bytes 0x?A. */
function isGrease(code: number): boolean {
  return (code & 0x0f0f) === 0x0a0a && code >> 8 === (code & 0xff)
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
