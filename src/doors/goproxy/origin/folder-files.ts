import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TurnpikeError } from '../../../core/error.ts'
import { Gathered } from './gathered.ts'
import { tooLarge } from './member-error.ts'
import type { FileSink, ModuleFiles } from './module-files.ts'

const PIECE_BYTES = 256 * 1024

/** The files of a `file:` member: a folder such as `cache/download` of a module cache. */
export class FolderFiles implements ModuleFiles {
  readonly name: string
  private readonly folder: string

  constructor(name: string, url: URL) {
    this.name = name
    this.folder = fileURLToPath(url)
  }

  async read(path: string, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
    const gathered = new Gathered()
    await this.copy(path, gathered, maxBytes, signal)
    return gathered.bytes
  }

  async copy(path: string, into: FileSink, maxBytes: number, signal: AbortSignal): Promise<void> {
    const file = await this.open(path)
    try {
      const size = await this.sizeOf(file)
      if (size > maxBytes) throw tooLarge(this.name, maxBytes)
      into.expected = size
      for (let at = 0; at < size;) {
        signal.throwIfAborted()
        const piece = await this.pieceAt(file, at, size)
        await into.write(piece)
        at += piece.length
      }
    } finally {
      await file.close()
    }
    await into.end()
  }

  private async open(path: string): Promise<FileHandle> {
    // What stands outside the folder is none of its files.
    if (path.split('/').includes('..')) throw new TurnpikeError('ERR_MODULE_NOT_FOUND')
    try {
      return await open(join(this.folder, path))
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : ''
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw this.unreadable(error)
      const message = `${this.name} has no ${path.slice(1)}.`
      throw new TurnpikeError('ERR_MODULE_NOT_FOUND', { message, cause: error })
    }
  }

  private async sizeOf(file: FileHandle): Promise<number> {
    const stats = await file.stat()
    if (!stats.isFile()) throw this.unreadable(new Error('it is no file'))
    return stats.size
  }

  private async pieceAt(file: FileHandle, at: number, size: number): Promise<Buffer> {
    const piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, size - at))
    const { bytesRead } = await file.read(piece, 0, piece.length, at).catch((error: unknown) => {
      throw this.unreadable(error)
    })
    if (bytesRead === 0) throw this.unreadable(new Error('it became shorter while it was read'))
    return piece.subarray(0, bytesRead)
  }

  private unreadable(cause: unknown): TurnpikeError {
    const reason = cause instanceof Error ? cause.message : String(cause)
    return new TurnpikeError('ERR_MODULE_UPSTREAM', { message: `${this.name} could not be read: ${reason}`, cause })
  }
}
