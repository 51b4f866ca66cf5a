import type { KeptAnswer } from './kept-answers.ts'

/**
 * The versions of a list, and when each was first seen in one, in ms since 1970: `v1.2.0 1764000000000` a line. It is
 * known of versions too that nobody has wanted yet.
 */
export class FirstSeen {
  private readonly times: ReadonlyMap<string, number>

  private constructor(times: ReadonlyMap<string, number>) {
    this.times = times
  }

  static of(kept: KeptAnswer | null): FirstSeen {
    const lines = kept === null ? [] : kept.bytes.toString().split('\n').slice(0, -1)
    return new FirstSeen(
      new Map(lines.map((line) => line.split(' ')).map(([version, ms]) => [version!, Number(ms)] as const)),
    )
  }

  /** As they are now: those that were there before keep their time. */
  now(versions: Iterable<string>, nowMs: number): Buffer {
    return Buffer.from(Array.from(versions, (each) => `${each} ${this.times.get(each) ?? nowMs}\n`).join(''))
  }

  versions(): string[] {
    return [...this.times.keys()]
  }

  /** Infinity where it was in no list. */
  timeOf(version: string): number {
    return this.times.get(version) ?? Infinity
  }
}
