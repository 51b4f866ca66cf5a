import { TurnpikeError } from '../../../core/error.ts'
import { Headers } from '../../../core/headers.ts'
import { noBody } from '../../../engine/body.ts'
import type { Reply } from '../../../engine/exchange.ts'
import type { FileBodies, FileRange, OpenFile } from '../../../engine/file-body.ts'
import { httpDate } from '../../../wire/http1/encode.ts'
import type { ZipAnswer } from '../library/answer.ts'
import type { RequestRun } from '../request/request-run.ts'
import { replyFields, selectedHead } from './reply-fields.ts'
import { selectionOf } from './selection.ts'

const TYPE = 'application/zip'
const PIECE_BYTES = 64 * 1024

/** Sends a zip to whom a run is for, and closes it when that is over. */
export async function sendZip(run: RequestRun, zip: ZipAnswer, cacheControl: string, files: FileBodies): Promise<void> {
  run.exchange.cache = zip.cache
  const file: OpenFile = {
    read: (into, position) => zip.file.read(into, position),
    close: async () => {
      // Tells what was tried since.
      const closing = zip.close()
      run.finish()
      await closing
    },
  }
  try {
    const reply =
      zip.kind === 'stored'
        ? storedReply(run, zip, file, cacheControl, files)
        : await stagedReply(run, zip, file, cacheControl, files)
    if (reply.body.kind === 'none' || run.gone) await file.close()
    if (run.gone) return
    run.release = () => {
      if (reply.body.kind === 'source') reply.body.source.cancel(new TurnpikeError('ERR_CLIENT_ABORT'))
    }
    run.exchange.reply(reply)
  } catch (error) {
    await file.close()
    throw error
  }
}

type Stored = Extract<ZipAnswer, { kind: 'stored' }>
type Staged = Extract<ZipAnswer, { kind: 'staged' }>

/** G6: what the client already has of it need not come again. */
function storedReply(run: RequestRun, zip: Stored, file: OpenFile, cacheControl: string, files: FileBodies): Reply {
  const { method, headers } = run.exchange
  const { size } = zip.file
  const validators = {
    etag: zip.sha256 === null ? '' : `"${zip.sha256}"`,
    lastModified: httpDate(zip.modifiedMs),
  }
  const selection = selectionOf(method, headers, size, validators, true)
  const fields = replyFields({ type: TYPE, cacheControl, ranges: true, cache: zip.cache, ...validators })
  const head = selectedHead(selection, size, fields)
  if (selection.kind !== 'all' && selection.kind !== 'part') return { ...head, body: noBody }
  const range: FileRange =
    selection.kind === 'all'
      ? { start: 0, length: size }
      : { start: selection.start, length: selection.end - selection.start }
  head.headers.append('Content-Length', String(range.length))
  return { ...head, body: { kind: 'source', source: files.body(file, range) } }
}

/** A zip on its way: all of it, behind the writer. What validates it is not known yet, so that nothing is gone on with. */
async function stagedReply(
  run: RequestRun,
  zip: Staged,
  file: OpenFile,
  cacheControl: string,
  files: FileBodies,
): Promise<Reply> {
  const validators = { etag: '', lastModified: '' }
  const headers = Headers.from(replyFields({ type: TYPE, cacheControl, ranges: true, cache: zip.cache, ...validators }))
  let { expected } = zip.file
  // G6: HEAD tells the length, which a download may know only at its end.
  if (run.exchange.method === 'HEAD' && expected < 0) expected = await sizeOf(zip.file, run)
  if (expected >= 0) headers.append('Content-Length', String(expected))
  return { status: 200, headers, body: { kind: 'source', source: files.body(file, { start: 0, length: expected }) } }
}

async function sizeOf(file: Staged['file'], { ask }: RequestRun): Promise<number> {
  const piece = Buffer.allocUnsafe(PIECE_BYTES)
  let size = 0
  for (let count = -1; count !== 0; size += count) {
    if (ask.signal.aborted) throw new TurnpikeError('ERR_CLIENT_ABORT')
    count = await file.read(piece, size)
  }
  return size
}
