const SLOTS = 256

/**
 * Texts made from two strings that repeat: names of the config, methods and hosts, user agents.
 * Bounded: each pair has one slot, chosen by lengths and a few characters, and the last one stays there.
 */
export class TextCache {
  private readonly firsts: string[] = Array.from({ length: SLOTS }, () => '')
  private readonly seconds: string[] = Array.from({ length: SLOTS }, () => '')
  private readonly texts: string[]
  private readonly make: (first: string, second: string) => string

  constructor(make: (first: string, second: string) => string) {
    this.make = make
    const empty = make('', '')
    this.texts = Array.from({ length: SLOTS }, () => empty)
  }

  get(first: string, second: string): string {
    const slot = first === '' ? second.length % SLOTS : slotOf(first, second.length)
    if (this.firsts[slot] === first && this.seconds[slot] === second) return this.texts[slot]!
    this.firsts[slot] = flat(first)
    this.seconds[slot] = flat(second)
    return (this.texts[slot] = flat(this.make(first, second)))
  }
}

function slotOf(text: string, salt: number): number {
  const last = text.length - 1
  return (last * 7 + salt * 31 + text.charCodeAt(last) * 13 + text.charCodeAt(last >> 1)) % SLOTS
}

/** The same text, not as a slice that keeps a whole request head alive, nor as a tree of pieces. */
function flat(text: string): string {
  return text.length < 13 ? text : Buffer.from(text).toString()
}
