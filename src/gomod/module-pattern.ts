import { compileGlob, matchesGlob, type Glob } from './glob.ts'

/**
 * Patterns as in GOPRIVATE: a module path matches where one matches as many of its first elements as the pattern has, so
 * that `*.corp.example.com` covers all below such hosts (x/mod/module MatchPrefixPatterns). A pattern that is malformed or
 * empty matches nothing, as with the go command.
 */
export class ModulePatterns {
  readonly #globs: readonly { glob: Glob; elements: number }[]

  constructor(patterns: readonly string[]) {
    this.#globs = patterns.flatMap((pattern) => {
      const text = pattern.endsWith('/') ? pattern.slice(0, -1) : pattern
      const glob = text === '' ? null : compileGlob(text)
      return glob === null ? [] : [{ glob, elements: text.split('/').length }]
    })
  }

  /** Whether one of them covers it. */
  matches(modulePath: string): boolean {
    return this.#globs.some(({ glob, elements }) => {
      const prefix = firstElements(modulePath, elements)
      return prefix !== null && matchesGlob(glob, prefix)
    })
  }
}

/** Null where it has fewer. */
function firstElements(path: string, count: number): string | null {
  let end = -1
  for (let left = count; left > 0; left--) {
    if (end === path.length) return null
    end = path.indexOf('/', end + 1)
    if (end < 0) end = path.length
  }
  return path.slice(0, end)
}
