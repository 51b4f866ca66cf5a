import type { Path } from './errors.ts'

/** Where a key and its value begin in a text. */
export interface LiteralPlace {
  key: number
  value: number
}

const trivia = /(?:\s|\/\/[^\n]*|\/\*.*?\*\/)*/sy
const word = /[A-Za-z_$][\w$]*|\d+/y
const quoted = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/sy
const opening = /export\s+default\s+/

/**
 * Where each key and item of the object literal that a module exports by default stands, by JSON of its
 * path. What is computed rather than written (a call, a spread, a name) has no place of its own.
 */
export function findLiteralPlaces(text: string): Map<string, LiteralPlace> {
  const places = new Map<string, LiteralPlace>()
  let at = startOfLiteral(text)
  if (at < 0) return places

  const skip = (pattern: RegExp): string => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0] ?? ''
    at += found.length
    return found
  }

  /** Goes to the comma or bracket that ends an expression. */
  const expression = () => {
    for (let depth = 0; at < text.length;) {
      skip(trivia)
      const letter = text[at]
      if (letter === undefined || (depth === 0 && ',}])'.includes(letter))) return
      if ('{[('.includes(letter)) depth++
      else if ('}])'.includes(letter)) depth--
      if (skip(quoted) === '' && skip(word) === '') at++
    }
  }

  const value = (path: Path, key: number) => {
    skip(trivia)
    places.set(JSON.stringify(path), { key, value: at })
    if (text[at] === '{') object(path)
    else if (text[at] === '[') list(path)
    expression()
  }

  const list = (path: Path) => {
    at++
    for (let index = 0; ; index++) {
      skip(trivia)
      if (at >= text.length || text[at] === ']') break
      value([...path, index], at)
      if (text[at] !== ',') break
      at++
    }
    at++
  }

  const object = (path: Path) => {
    at++
    for (;;) {
      skip(trivia)
      if (at >= text.length || text[at] === '}') break
      const start = at
      const string = skip(quoted)
      const name = string === '' ? skip(word) : string.slice(1, -1)
      skip(trivia)
      if (name !== '' && text[at] === ':') {
        at++
        value([...path, name], start)
      } else {
        if (name !== '') places.set(JSON.stringify([...path, name]), { key: start, value: start })
        expression()
      }
      if (text[at] !== ',') break
      at++
    }
    at++
  }

  value([], at)
  return places
}

/** Where the exported literal begins: behind `defineConfig(`, or where the exported name is set; -1 for none. */
function startOfLiteral(text: string): number {
  const exported = opening.exec(text)
  if (exported === null) return -1
  const start = exported.index + exported[0].length
  const [, call, name] = /^(?:([\w$.]+\s*\(\s*|\()|([\w$]+)\s*(?:;|$|\n))/.exec(text.slice(start)) ?? []
  if (call !== undefined) return start + call.length
  if (name === undefined) return start
  const set = new RegExp(
    `\\b(?:const|let|var)\\s+${name.replaceAll('$', '\\$')}\\b[^=]*=\\s*(?:defineConfig\\s*\\(\\s*)?`,
  ).exec(text)
  return set === null ? -1 : set.index + set[0].length
}
