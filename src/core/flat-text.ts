/**
 * The same latin1 text in one piece: not a slice that keeps a longer text alive, nor a tree of the pieces
 * that it was put together from, which costs again each time that it is written.
 */
export function flatText(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}
