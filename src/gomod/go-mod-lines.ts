import { trimSpace } from './white-space.ts'

/** A directive of a go.mod file: a line of its own, or one of a block. */
export interface Directive {
  verb: string
  /** What follows the verb, quotes and all. */
  words: string[]
  /** Texts of the comments before it and behind it; the block's where it has none of its own. */
  comments: string[]
}

/**
 * Reads a go.mod file into its directives (x/mod/modfile, what a dependency's file must hold to: unknown verbs are no
 * fault). Null where its syntax is broken, or a string goes on behind a `\` at the end of its line: no directive that counts
 * has one.
 */
export function readGoModLines(text: string): Directive[] | null {
  const directives: Directive[] = []
  let before: string[] = []
  let block: { verb: string; known: boolean; comments: string[] } | null = null
  for (const line of text.split('\n')) {
    const words = wordsOf(line)
    if (words === null) return null
    const comment = words.at(-1)?.startsWith('//') ? trimSpace(words.pop()!.slice(2)) : null
    if (words.length === 0) {
      // Comments belong to the directive right below them; in a block, blank lines do not part them from it.
      if (comment !== null) before.push(comment)
      else if (block === null) before = []
      continue
    }
    const comments = comment === null ? before : [...before, comment]
    const above = before
    before = []
    if (block !== null && words[0] === ')') {
      if (words.length > 1) return null
      block = null
    } else if (block !== null) {
      if (block.known)
        directives.push({ verb: block.verb, words, comments: comments.length > 0 ? comments : block.comments })
    } else if (words.length > 1 && words.at(-1) === '(') {
      // `go ( … )` is no block that there is.
      block = { verb: words[0]!, known: words.length === 2 && words[0] !== 'go', comments: above }
    } else if (words.length < 3 || words.at(-1) !== ')' || words.at(-2) !== '(') {
      directives.push({ verb: words[0]!, words: words.slice(1), comments })
    }
  }
  return block === null ? directives : null
}

const unprintable = /[\p{Z}\p{Cc}\p{Cf}\p{Co}]/u

/** The words of a line, a comment last. Null where a string does not end, or a character may not stand there. */
function wordsOf(line: string): string[] | null {
  const words: string[] = []
  for (let at = 0; at < line.length;) {
    const character = line[at]!
    let end = at + 1
    if (character === ' ' || character === '\t' || character === '\r') {
      at = end
      continue
    }
    if (line.startsWith('//', at)) end = line.length
    else if (line.startsWith('/*', at)) return null
    else if (character === '"' || character === '`') end = endOfString(line, at)
    else if (!'()[]{},'.includes(character)) end = endOfWord(line, at)
    if (end <= at) return null
    words.push(line.slice(at, end))
    at = end
  }
  return words
}

/** Behind the closing quote; -1 where there is none. */
function endOfString(line: string, start: number): number {
  const quote = line[start]
  for (let at = start + 1; at < line.length; at++) {
    if (line[at] === quote) return at + 1
    if (line[at] === '\\' && quote === '"') at++
  }
  return -1
}

/** -1 where a comment that go.mod files do not have, or no printable character, is in the way. */
function endOfWord(line: string, start: number): number {
  let at = start
  for (; at < line.length; at++) {
    if (' \t\r()[]{},'.includes(line[at]!) || line.startsWith('//', at)) break
    if (line.startsWith('/*', at) || unprintable.test(line[at]!)) return -1
  }
  return at
}
