/** Deliberately weak origins: each believes one thing about framing, as real ones once did. */
export const weakReaders: Readonly<Record<string, (head: string) => number | 'chunked'>> = {
  'the first length, never chunks': (head) => Number(/^content-length\s*:\s*(\d+)/im.exec(head)?.[1] ?? 0),
  'the last length, never chunks': (head) =>
    Number([...head.matchAll(/^content-length\s*:\s*(\d+)/gim)].at(-1)?.[1] ?? 0),
  'chunks wherever it says so, else the length': (head) =>
    /transfer-encoding\s*:[^\n]*chunked/i.test(head)
      ? 'chunked'
      : Number(/^content-length\s*:\s*(\d+)/im.exec(head)?.[1] ?? 0),
}

/** The request lines that a weak reader finds in the bytes of one connection. */
export function requestsSeen(bytes: string, framing: (head: string) => number | 'chunked'): string[] {
  const seen: string[] = []
  let rest = bytes
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0) return seen
    const head = rest.slice(0, end)
    seen.push(head.split('\r\n', 1)[0]!)
    rest = rest.slice(end + 4)
    const length = framing(head)
    if (length === 'chunked') {
      const last = /(?:^|\r\n)0\r\n\r\n/.exec(rest)
      if (last === null) return seen
      rest = rest.slice(last.index + last[0].length)
    } else {
      rest = rest.slice(length)
    }
  }
}
