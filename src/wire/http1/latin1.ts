/** Bytes as text, one character each. `latin1Slice` is public but untyped; it skips the encoding lookup of `toString`. */
export function latin1(bytes: Buffer, start: number, end: number): string {
  return (bytes as Buffer & { latin1Slice(start: number, end: number): string }).latin1Slice(start, end)
}
