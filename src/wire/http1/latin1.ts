declare global {
  // Typed by hand: @types/node leaves it out. The parameter repeats the original declaration.
  // oxlint-disable-next-line no-unused-vars
  interface Buffer<TArrayBuffer extends ArrayBufferLike = ArrayBufferLike> {
    latin1Slice(start: number, end: number): string
    latin1Write(text: string, offset: number, length: number): number
  }
}

/** Bytes as text, one character each; without the encoding lookup of `toString`. */
export function latin1(bytes: Buffer, start: number, end: number): string {
  return bytes.latin1Slice(start, end)
}
