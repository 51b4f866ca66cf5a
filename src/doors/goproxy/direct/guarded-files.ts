import { TurnpikeError } from '../../../core/error.ts'
import { errorText } from '../origin/error-text.ts'
import { contentError, failureError, statusError } from '../origin/member-error.ts'
import type { FileSink, ModuleFiles } from '../origin/module-files.ts'
import type { GuardedWeb } from './guarded-web.ts'

/** The files of a module proxy that a `go-import` answer names: somebody else's choice, so every address is guarded. */
export class GuardedFiles implements ModuleFiles {
  readonly name: string
  private readonly url: URL
  private readonly insecure: boolean
  private readonly web: GuardedWeb

  constructor(url: URL, insecure: boolean, web: GuardedWeb) {
    this.name = url.href
    this.url = url
    this.insecure = insecure
    this.web = web
  }

  async read(path: string, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
    const pieces: Buffer[] = []
    const sink = { expected: -1, write: async (piece: Buffer) => void pieces.push(piece), end: async () => {} }
    await this.copy(path, sink, maxBytes, signal)
    return Buffer.concat(pieces)
  }

  async copy(path: string, into: FileSink, maxBytes: number, signal: AbortSignal): Promise<void> {
    const { name } = this
    const url = new URL(this.url)
    url.pathname = `${this.url.pathname.replace(/\/+$/, '')}${path}`
    try {
      const { status, reply } = await this.web.get(url, this.insecure, signal)
      if (status !== 200) throw statusError(name, status, await errorText(reply))
      if ((reply.headers.get('content-encoding') ?? 'identity') !== 'identity') {
        await errorText(reply)
        throw contentError(name, 'sent a coding that was not asked for.')
      }
      if (reply.length >= 0 && reply.length <= maxBytes) into.expected = reply.length
      let size = 0
      for await (const piece of reply.body) {
        size += piece.length
        if (size > maxBytes) {
          const message = `What ${name} sends is larger than ${maxBytes} bytes.`
          throw new TurnpikeError('ERR_MODULE_TOO_LARGE', { message })
        }
        await into.write(piece)
      }
    } catch (thrown) {
      // An address that is forbidden stays told as that.
      if (thrown instanceof TurnpikeError && thrown.code === 'ERR_ADDRESS_FORBIDDEN') throw thrown
      throw failureError(name, thrown)
    }
    await into.end()
  }
}
