import type { Dialled, StreamEvents } from '../../../engine/dial/dialled.ts'
import { respCommand, RespError, RespReader, type RespReply } from './resp.ts'

interface Waiting {
  resolve: (reply: RespReply) => void
  reject: (error: Error) => void
}

/** A connection to a Redis server. Replies come in the order of the commands; the first fault ends it. */
export class RedisConnection implements StreamEvents {
  private readonly dialled: Dialled
  private readonly lost: (error: Error) => void
  private readonly reader = new RespReader()
  private readonly waiting: Waiting[] = []
  private readonly socketClosed = Promise.withResolvers<void>()
  /** It is of no use any more. */
  over = false

  /** Attaches itself. `lost` is called once, when it is of no use any more. */
  constructor(dialled: Dialled, lost: (error: Error) => void) {
    this.dialled = dialled
    this.lost = lost
    dialled.attach(this)
    dialled.socket.setNoDelay(true)
  }

  /** Its socket is closed. */
  get gone(): Promise<void> {
    return this.socketClosed.promise
  }

  /** Rejects with a RespError where the server refuses, with any other error where the connection is over. */
  send(words: readonly string[]): Promise<RespReply> {
    if (this.over) return Promise.reject(new Error('the connection is closed'))
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject })
      this.dialled.socket.write(respCommand(words))
    })
  }

  end(error: Error): void {
    if (this.over) return
    this.over = true
    this.dialled.socket.destroy()
    for (const { reject } of this.waiting.splice(0)) reject(error)
    this.lost(error)
  }

  read(length: number, buffer: Buffer): boolean {
    try {
      for (const reply of this.reader.read(buffer.subarray(0, length))) this.take(reply)
    } catch (error) {
      this.end(error instanceof Error ? error : new Error(String(error)))
    }
    return true
  }

  nextBuffer(): Buffer | null {
    return null
  }

  ended(): void {
    this.end(new Error('the server closed the connection'))
  }

  failed(error: Error): void {
    this.end(error)
  }

  closed(): void {
    this.end(new Error('the connection closed'))
    this.socketClosed.resolve()
  }

  private take(reply: RespReply): void {
    const first = this.waiting.shift()
    if (first === undefined) throw new Error('the server answers what was not asked')
    if (reply instanceof RespError) first.reject(reply)
    else first.resolve(reply)
  }
}
