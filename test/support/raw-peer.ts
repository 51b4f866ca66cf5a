import type { Socket } from 'node:net'
import { readMessage, type Message } from './message.ts'

const PATIENCE_MS = 5_000

/** One end of a plain connection, driven by a test: sends bytes as they are, and waits for what comes by looking at it. */
export class RawPeer {
  readonly socket: Socket
  /** Received and not yet taken, as latin1. */
  text = ''
  /** All that was received. */
  total = 0
  /** The other side ended its direction. */
  ended = false
  closed = false
  error: NodeJS.ErrnoException | null = null
  private news = Promise.withResolvers<void>()

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.total += chunk.length
      this.text += chunk.toString('latin1')
      this.wake()
    })
    socket.on('end', () => {
      this.ended = true
      this.wake()
    })
    socket.on('error', (error) => (this.error = error))
    socket.on('close', () => {
      this.closed = true
      this.wake()
    })
  }

  send(bytes: string | Buffer): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  /** Resolves when `ready` is true of what has come. Rejects after some seconds, and where nothing more can come. */
  async until(ready: (peer: this) => boolean, what: string, patienceMs = PATIENCE_MS): Promise<void> {
    const late = setTimeout(() => this.wake(), patienceMs)
    const start = performance.now()
    try {
      while (!ready(this)) {
        const over = this.closed || performance.now() - start >= patienceMs
        if (over)
          throw new Error(
            `waited for ${what}; closed: ${this.closed}, got: ${JSON.stringify(this.text.slice(0, 2000))}`,
          )
        await this.news.promise
      }
    } finally {
      clearTimeout(late)
    }
  }

  /** Takes the next whole request. Null where the connection ended before one began. */
  request(): Promise<Message | null> {
    return this.message('request', 'GET')
  }

  /** Takes the next whole reply, an interim one included, to a request of that method. */
  async reply(method = 'GET'): Promise<Message> {
    const message = await this.message('reply', method)
    if (message === null) throw new Error(`the connection ended without a reply: ${String(this.error)}`)
    return message
  }

  /** Resolves when the connection is over: whether by an end or by a reset. */
  async over(): Promise<'end' | 'reset'> {
    await this.until(({ closed, ended }) => closed || ended, 'the end of the connection')
    if (this.error?.code === 'ECONNRESET' || this.error?.code === 'EPIPE') return 'reset'
    return this.ended ? 'end' : 'reset'
  }

  end(): void {
    this.socket.end()
  }

  reset(): void {
    this.socket.resetAndDestroy()
  }

  private async message(kind: 'request' | 'reply', method: string): Promise<Message | null> {
    let found: ReturnType<typeof readMessage> = null
    await this.until(
      ({ text, ended, closed }) =>
        (found = readMessage(text, kind, method, ended || closed)) !== null || ((ended || closed) && text === ''),
      `a whole ${kind}`,
    )
    if (found === null) return null
    const { message, size }: { message: Message; size: number } = found
    this.text = this.text.slice(size)
    return message
  }

  private wake(): void {
    this.news.resolve()
    this.news = Promise.withResolvers()
  }
}
