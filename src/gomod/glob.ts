/** One character of a name. */
type Test = (character: string) => boolean

/** Tests of characters one behind the other; behind a star, any text without `/` may come before them. */
interface Chunk {
  star: boolean
  tests: readonly Test[]
}

/** A pattern of Go's `path.Match`: `*`, `?`, `[a-z]`, `[^a]`, `\` before what is meant as itself. */
export type Glob = readonly Chunk[]

/** Null where the pattern is malformed. */
export function compileGlob(pattern: string): Glob | null {
  const characters = Array.from(pattern)
  const chunks: { star: boolean; tests: Test[] }[] = []
  let chunk: { star: boolean; tests: Test[] } | null = null
  for (let at = 0; at < characters.length;) {
    const character = characters[at]!
    if (character === '*') {
      if (chunk === null || chunk.tests.length > 0 || !chunk.star) chunks.push((chunk = { star: true, tests: [] }))
      at++
      continue
    }
    if (chunk === null) chunks.push((chunk = { star: false, tests: [] }))
    if (character === '[') {
      const read = readClass(characters, at + 1)
      if (read === null) return null
      chunk.tests.push(read.test)
      at = read.next
    } else if (character === '?') {
      chunk.tests.push((each) => each !== '/')
      at++
    } else {
      const literal = character === '\\' ? characters[at + 1] : character
      if (literal === undefined) return null
      chunk.tests.push((each) => each === literal)
      at += character === '\\' ? 2 : 1
    }
  }
  return chunks
}

function readClass(characters: readonly string[], start: number): { test: Test; next: number } | null {
  const negated = characters[start] === '^'
  const ranges: [low: number, high: number][] = []
  let at = negated ? start + 1 : start
  while (characters[at] !== ']' || ranges.length === 0) {
    const low = readMember(characters, at)
    if (low === null) return null
    const high = characters[low.next] === '-' ? readMember(characters, low.next + 1) : low
    if (high === null) return null
    ranges.push([low.code, high.code])
    at = high.next
  }
  const test: Test = (character) => {
    const code = character.codePointAt(0)!
    return ranges.some(([low, high]) => low <= code && code <= high) !== negated
  }
  return { test, next: at + 1 }
}

function readMember(characters: readonly string[], at: number): { code: number; next: number } | null {
  if (characters[at] === '-' || characters[at] === ']') return null
  const place = characters[at] === '\\' ? at + 1 : at
  // Something must follow, the closing bracket at the least.
  return place + 1 < characters.length ? { code: characters[place]!.codePointAt(0)!, next: place + 1 } : null
}

/** Whether the whole of `name` matches. Time is at most that of the pattern's length times the name's. */
export function matchesGlob(glob: Glob, name: string): boolean {
  const characters = Array.from(name)
  let at = 0
  for (const [index, { star, tests }] of glob.entries()) {
    const last = index === glob.length - 1
    let place = at
    for (;;) {
      const end = place + tests.length
      if (fits(tests, characters, place) && (!last || end === characters.length)) {
        at = end
        break
      }
      if (!star || place >= characters.length || characters[place] === '/') return false
      place++
    }
  }
  return at === characters.length
}

function fits(tests: readonly Test[], characters: readonly string[], at: number): boolean {
  return at + tests.length <= characters.length && tests.every((test, index) => test(characters[at + index]!))
}
