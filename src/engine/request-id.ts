import type { Exchange } from './exchange.ts'

/** Sequence numbers per cached head: two base-36 digits. */
const TAIL = 36 * 36
const PREFIX_LENGTH = 6

/**
 * Names exchanges: a prefix that is the process's own, `-`, and the sequence number in base 36.
 * The same exchange has the same id wherever it is asked for: error page, log, `turnpike why`.
 */
export class RequestIds {
  readonly prefix: string
  private readonly tails: string[] = []
  /** What all numbers between two multiples of TAIL share; one number to text a request saved. */
  private head = ''
  private headNumber = -1

  constructor(prefix: string) {
    this.prefix = prefix
    for (let number = 0; number < TAIL; number++) this.tails.push(number.toString(36).padStart(2, '0'))
  }

  of(exchange: Exchange): string {
    return this.at(exchange.sequence)
  }

  /** The id of a sequence number. */
  at(sequence: number): string {
    const number = Math.floor(sequence / TAIL)
    if (number !== this.headNumber) {
      this.headNumber = number
      this.head = `${this.prefix}-${number === 0 ? '' : number.toString(36)}`
    }
    return this.head + this.tails[sequence - number * TAIL]!
  }
}

/** Six random base-36 characters; `random` gives numbers from 0 up to 1, as `World.random` does. */
export function requestIdPrefix(random: () => number): string {
  let prefix = ''
  while (prefix.length < PREFIX_LENGTH) prefix += Math.floor(random() * 36).toString(36)
  return prefix
}
