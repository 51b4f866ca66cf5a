/** Smaller pieces are not worth the call. */
const WORTH_BYTES = 32 * 1024

/**
 * Gives the memory of a received piece back now, rather than when the collector comes to it: an upload
 * of a gigabyte stays below 150 MB where it came to 200. Nobody may read the piece, or still be sending
 * it, from here on. A piece that shares its memory with others is left alone.
 */
export function freePiece(piece: Buffer): void {
  const { buffer } = piece
  if (piece.length >= WORTH_BYTES && buffer.byteLength === piece.length && buffer instanceof ArrayBuffer)
    buffer.transfer(0)
}
