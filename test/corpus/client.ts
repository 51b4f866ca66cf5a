import net from 'node:net'

export interface Reply {
  status: number
  body: string
}

/** A client that sends what it is told, byte for byte, and reads replies by their length. */
export class RawClient {
  private readonly socket: net.Socket
  private received = Buffer.alloc(0)
  private ended = false
  private wake: (() => void) | null = null

  constructor(port: number) {
    this.socket = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    this.socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk])
      this.wake?.()
    })
    const over = (): void => {
      this.ended = true
      this.wake?.()
    }
    this.socket.on('end', over)
    this.socket.on('close', over)
    // A reset after an early reply is the server's way of closing; a missing reply is noticed below.
    this.socket.on('error', over)
  }

  send(bytes: string): void {
    this.socket.write(bytes, 'latin1')
  }

  /** Sends in pieces of one byte, each in a turn of its own. */
  async sendBytewise(bytes: string): Promise<void> {
    for (const byte of bytes) {
      if (this.ended) return
      this.socket.write(byte, 'latin1')
      await new Promise(setImmediate)
    }
  }

  /** The next final reply, or null where the connection ends instead. Throws at half a reply. */
  async reply(): Promise<Reply | null> {
    for (;;) {
      const head = await this.until('\r\n\r\n')
      if (head === null) {
        if (this.received.length > 0) throw new Error(`half a reply: ${this.received.toString('latin1')}`)
        return null
      }
      const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1])
      if (Number.isNaN(status)) throw new Error(`no reply: ${head}`)
      if (status < 200) continue
      const length = /^content-length: *(\d+)/im.exec(head)?.[1]
      if (length !== undefined) return { status, body: await this.take(Number(length)) }
      if (/^transfer-encoding: *chunked/im.test(head)) return { status, body: await this.chunks() }
      return { status, body: '' }
    }
  }

  destroy(): void {
    this.socket.destroy()
  }

  private async chunks(): Promise<string> {
    let body = ''
    for (;;) {
      const size = Number.parseInt((await this.until('\r\n')) ?? '', 16)
      if (Number.isNaN(size)) throw new Error('a reply was cut short')
      body += await this.take(size)
      await this.take(2)
      if (size === 0) return body
    }
  }

  /** Everything up to and without a mark; the mark goes too. */
  private async until(mark: string): Promise<string | null> {
    for (;;) {
      const at = this.received.indexOf(mark)
      if (at >= 0) {
        const found = this.received.toString('latin1', 0, at)
        this.received = this.received.subarray(at + mark.length)
        return found
      }
      if (!(await this.more())) return null
    }
  }

  private async take(length: number): Promise<string> {
    while (this.received.length < length) if (!(await this.more())) throw new Error('a reply was cut short')
    const found = this.received.toString('latin1', 0, length)
    this.received = this.received.subarray(length)
    return found
  }

  private async more(): Promise<boolean> {
    if (this.ended) return false
    await new Promise<void>((resolve) => (this.wake = resolve))
    this.wake = null
    return true
  }
}
