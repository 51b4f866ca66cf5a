import type { ClientReply } from '../../../engine/client/http-client.ts'

const MAX_LINES = 8
/** Eight lines of 80 characters with their ends: what the go command shows. */
const MAX_BYTES = 648
/** Read to its end, so that the connection can be used again; of a longer one the rest is given up. */
const MAX_READ_BYTES = 16 * 1024

/**
 * What a member says about its error, as far as the go command would show it: plain text, at most 8 lines and 648 bytes,
 * printable, up to the first empty line (G8; cmd/go/internal/web HTTPError). '' where there is nothing to show.
 */
export async function errorText(reply: ClientReply): Promise<string> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of reply.body) {
    pieces.push(piece)
    size += piece.length
    if (size > MAX_READ_BYTES) break
  }
  return isPlainText(reply.headers.get('content-type') ?? '') ? shownText(Buffer.concat(pieces)) : ''
}

function isPlainText(contentType: string): boolean {
  const [type = '', ...parameters] = contentType.split(';').map((part) => part.trim().toLowerCase())
  const charset = parameters.find((each) => each.startsWith('charset='))?.slice('charset='.length) ?? 'utf-8'
  return type === 'text/plain' && ['us-ascii', 'utf-8'].includes(charset.replaceAll('"', ''))
}

function shownText(bytes: Buffer): string {
  const text = bytes.subarray(0, MAX_BYTES).toString().trimEnd()
  const lines = text.split(/\r?\n/)
  const empty = lines.findIndex((line) => line.trim() === '')
  const shown = lines.slice(0, Math.min(empty < 0 ? lines.length : empty, MAX_LINES)).join('\n')
  return shown.replaceAll(/[^\n\P{C}]/gu, '\u{fffd}')
}
