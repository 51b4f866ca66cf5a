import { readGoModLines, type Directive } from './go-mod-lines.ts'
import { unquoteGo } from './go-string.ts'
import { trimSpace } from './white-space.ts'

/** Versions that their author took back, both ends included, as they are written. */
export interface Retraction {
  low: string
  high: string
  /** Why, '' where nobody said. */
  rationale: string
}

/** What a module proxy has to know of a go.mod file. */
export interface GoModFile {
  /** The module path it declares, null where it declares none; found as cmd/go finds it in any text. */
  module: string | null
  /** The go version it asks for, such as `1.24` or `1.24rc1`; null where it asks for none. */
  go: string | null
  retract: Retraction[]
  /** Text of its `// Deprecated:` paragraph, null where there is none. */
  deprecated: string | null
  /** What makes it useless to the go command as a dependency's file, null where nothing does. */
  problem: string | null
}

/**
 * Reads a go.mod file as the go command reads a dependency's (x/mod/modfile ParseLax): unknown directives, and those that
 * only the main module may have, mean nothing. `require` lines are not looked at. Linear in the text.
 */
export function readGoMod(text: string): GoModFile {
  const file: GoModFile = { module: readModulePath(text), go: null, retract: [], deprecated: null, problem: null }
  const directives = readGoModLines(text)
  if (directives === null) return { ...file, problem: 'its syntax is broken' }
  const seen = new Set<string>()
  for (const directive of directives) {
    const read = Object.hasOwn(readers, directive.verb) ? readers[directive.verb] : undefined
    const problem = read?.(directive, file, seen) ?? null
    if (problem !== null) return { ...file, problem }
    seen.add(directive.verb)
  }
  return file
}

/** The go.mod of a module that has none (G14). */
export function syntheticGoMod(modulePath: string): string {
  return `module ${modulePath}\n`
}

/** The first line that says `module`, whatever else is in the text (x/mod/modfile ModulePath). */
function readModulePath(text: string): string | null {
  for (const line of text.split('\n')) {
    const code = trimSpace(line.split('//', 1)[0]!)
    const path = code.startsWith('module') ? trimSpace(code.slice('module'.length)) : ''
    if (path === '' || path.length === code.length - 'module'.length) continue
    return path.startsWith('"') || path.startsWith('`') ? unquoteGo(path) || null : path
  }
  return null
}

/** For each verb that counts in a dependency, what takes it in; returns what is wrong with it. */
const readers: Record<string, (directive: Directive, file: GoModFile, seen: Set<string>) => string | null> = {
  module({ words, comments }, file, seen) {
    if (seen.has('module')) return 'module stands there twice'
    const [word] = words
    if (word === undefined || words.length > 1 || readWord(word) === null) return 'module needs exactly one path'
    file.deprecated = deprecationIn(comments.join('\n'))
    return null
  },
  go({ words }, file, seen) {
    if (seen.has('go')) return 'go stands there twice'
    const [word] = words
    if (word === undefined || words.length > 1) return 'go needs exactly one version'
    file.go = goVersion(word)
    return file.go === null ? `${JSON.stringify(word)} is no go version` : null
  },
  retract({ words, comments }, file) {
    // What cannot be read may be understood by a later Go: it is passed over.
    const interval = readInterval(words)
    if (interval !== null) file.retract.push({ ...interval, rationale: comments.join('\n') })
    return null
  },
}

function goVersion(word: string): string | null {
  if (/^[1-9][0-9]*\.(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))?(?:[a-z]+[0-9]+)?$/.test(word)) return word
  // Of a form that a later Go may have, the beginning counts.
  return /^v?([1-9][0-9]*\.(?:0|[1-9][0-9]*))[^0-9]/.exec(word)?.[1] ?? null
}

function readInterval(words: readonly string[]): { low: string; high: string } | null {
  if (words[0] !== '[') {
    const version = words[0] === undefined || words[0] === '(' ? null : readWord(words[0])
    return version === null ? null : { low: version, high: version }
  }
  if (words[2] !== ',' || words[4] !== ']') return null
  const low = readWord(words[1]!)
  const high = readWord(words[3]!)
  return low === null || high === null ? null : { low, high }
}

/** A word as it is meant. Null where its quotes are not right. */
function readWord(word: string): string | null {
  if (word.startsWith('"')) return unquoteGo(word)
  return /["'`]/.test(word) ? null : word
}

/** The first paragraph that begins with `Deprecated:`, without that. */
function deprecationIn(text: string): string | null {
  return /(?:^|\n\n)Deprecated: *([^]*?)(?:$|\n\n)/.exec(text)?.[1] || null
}
