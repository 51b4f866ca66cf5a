import type { Steps } from '../../core/steps.ts'

/**
 * A fixed map from texts to values that is asked for a part of a longer text without cutting it out.
 * It picks the one candidate by its length and by the few characters that tell the texts apart, then
 * compares once: a third of what slicing, hashing and `Map.get` cost.
 */
export class TextTable<V> {
  private readonly byLength: readonly (Cell<V> | null)[]

  private constructor(byLength: readonly (Cell<V> | null)[]) {
    this.byLength = byLength
  }

  /** In steps: thousands of texts take tens of milliseconds. */
  static *building<V>(entries: Iterable<readonly [string, V]>): Steps<TextTable<V>> {
    const sameLength = Map.groupBy(entries, ([text]) => text.length)
    const byLength: (Cell<V> | null)[] = []
    for (let length = 0; length <= Math.max(0, ...sameLength.keys()); length++) {
      const group = sameLength.get(length)
      byLength.push(group === undefined ? null : yield* Cell.building(group))
    }
    return new TextTable(byLength)
  }

  /** The value of `text.slice(start, end)`. */
  get(text: string, start: number, end: number): V | null {
    const length = end - start
    let cell = length < this.byLength.length ? this.byLength[length]! : null
    while (cell !== null) {
      if (cell.position < 0) return text.startsWith(cell.text, start) ? cell.value : null
      const branch = text.charCodeAt(start + cell.position) - cell.lowest
      cell = branch >= 0 && branch < cell.branches.length ? cell.branches[branch]! : null
    }
    return null
  }
}

/** Texts of one length: one, or several told apart by the character at `position`. */
class Cell<V> {
  /** -1 where one text is left. */
  readonly position: number
  readonly text: string
  readonly value: V
  /** Character code of the first branch. */
  readonly lowest: number
  readonly branches: readonly (Cell<V> | null)[]

  private constructor(text: string, value: V, position: number, lowest: number, branches: Cell<V>['branches']) {
    this.text = text
    this.value = value
    this.position = position
    this.lowest = lowest
    this.branches = branches
  }

  static *building<V>(entries: readonly (readonly [string, V])[]): Steps<Cell<V>> {
    const [text, value] = entries[0]!
    if (entries.length === 1) return new Cell(text, value, -1, 0, none)
    const position = yield* mostTelling(entries.map(([each]) => each))
    const byCode = Map.groupBy(entries, ([each]) => each.charCodeAt(position))
    yield
    const lowest = Math.min(...byCode.keys())
    const branches: (Cell<V> | null)[] = []
    for (let code = lowest; code <= Math.max(...byCode.keys()); code++) {
      const group = byCode.get(code)
      branches.push(group === undefined ? null : yield* Cell.building(group))
    }
    return new Cell(text, value, position, lowest, branches)
  }
}

const none: readonly never[] = []

/** The position at which different texts of one length have the most different characters. */
function* mostTelling(texts: readonly string[]): Steps<number> {
  let best = 0
  let most = 0
  for (let position = 0; position < texts[0]!.length; position++) {
    const different = new Set(texts.map((text) => text.charCodeAt(position))).size
    if (different > most) [best, most] = [position, different]
    yield
  }
  return best
}
