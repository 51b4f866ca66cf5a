import type { TurnpikeError } from '../../../core/error.ts'

/** The go command shows no more of a reply (cmd/go/internal/web, maxErrorDetailLines and maxErrorDetailBytes). */
const MOST_LINES = 8
const MOST_BYTES = 648

/**
 * The text of an error as the go command shows it (G8): few lines, none of them empty, nothing that is not printable.
 * The cause code and the request's id come last, and always.
 */
export function errorText(error: TurnpikeError, requestId: string): string {
  const last = `${error.code}, request ${requestId}\n`
  const lines = error.message
    // A URL may carry credentials: whoever wrote the message should have known.
    .replaceAll(/:\/\/[^\s/@]*@/g, '://')
    // Go's unicode.IsGraphic knows neither controls nor formats.
    .replaceAll(/[^\P{C}\n]/gu, ' ')
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .slice(0, MOST_LINES - 1)
  const text = `${lines.join('\n')}\n`
  return `${cut(text, MOST_BYTES - Buffer.byteLength(last))}${last}`
}

/** The first bytes of a text, whole characters, with its newline. */
function cut(text: string, most: number): string {
  if (Buffer.byteLength(text) <= most) return text
  const bytes = Buffer.from(text).subarray(0, most - Buffer.byteLength('…\n'))
  return `${bytes.toString('utf8').replace(/\uFFFD+$/, '')}…\n`
}
