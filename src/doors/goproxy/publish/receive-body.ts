import { TurnpikeError } from '../../../core/error.ts'
import { Headers } from '../../../core/headers.ts'
import type { BodySink, BodySource } from '../../../engine/body.ts'
import type { Exchange } from '../../../engine/exchange.ts'
import type { StagedFile } from '../store/staged-file.ts'

/**
 * Writes a request's body into a staged file, as fast as that takes it, and ends the file. Rejects with
 * ERR_BODY_TOO_LARGE beyond `maxBytes`, with what writing throws, and with what breaks the body off.
 */
export async function receiveBody(
  exchange: Exchange,
  file: StagedFile,
  maxBytes: number,
  signal: AbortSignal,
): Promise<void> {
  const { body } = exchange
  if (body !== null) {
    if (body.length > maxBytes) throw new TurnpikeError('ERR_BODY_TOO_LARGE')
    file.expected = body.length
    // RFC 9110 §10.1.1: whoever reads the body asks for it.
    if (exchange.expectsContinue) exchange.client.interim(100, 'Continue', new Headers())
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const receiver = new BodyReceiver(body, file, maxBytes, { resolve, reject })
    const gone = (): void => receiver.abort(TurnpikeError.from(signal.reason, 'body'))
    signal.addEventListener('abort', gone, { once: true })
    body.start(receiver)
    await promise.finally(() => signal.removeEventListener('abort', gone))
  }
  await file.end()
}

type Settle = Pick<PromiseWithResolvers<void>, 'resolve' | 'reject'>

class BodyReceiver implements BodySink {
  private readonly body: BodySource
  private readonly file: StagedFile
  private readonly maxBytes: number
  private readonly settle: Settle
  private over = false
  private writing: Promise<void> | null = null

  constructor(body: BodySource, file: StagedFile, maxBytes: number, settle: Settle) {
    this.body = body
    this.file = file
    this.maxBytes = maxBytes
    this.settle = settle
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    if (this.over) return true
    if (this.file.size + end - start > this.maxBytes) {
      this.refuse(new TurnpikeError('ERR_BODY_TOO_LARGE'))
      return true
    }
    // The sink holds the memory until it asks for more.
    this.writing = this.pass(bytes.subarray(start, end))
    return false
  }

  private async pass(bytes: Buffer): Promise<void> {
    try {
      await this.file.write(bytes)
    } catch (error) {
      return this.refuse(TurnpikeError.from(error, 'body'))
    }
    this.writing = null
    if (!this.over) this.body.resume()
  }

  end(): void {
    if (this.writing === null) this.finish()
    else void this.writing.then(() => this.finish())
  }

  abort(error: TurnpikeError): void {
    if (this.over) return
    this.over = true
    this.settle.reject(error)
  }

  flush(): void {}

  private finish(): void {
    if (this.over) return
    this.over = true
    this.settle.resolve()
  }

  private refuse(error: TurnpikeError): void {
    if (this.over) return
    this.body.cancel(error)
    this.abort(error)
  }
}
