import { isAlias, isCollection, isMap, isNode, isScalar, LineCounter, parseDocument, visit, type Document } from 'yaml'
import type { Path, Place, Problem } from './errors.ts'
import { findJsonFault } from './json-fault.ts'
import type { ConfigSource, Part } from './source.ts'
import { BrokenSource } from './broken-source.ts'

/** Reads YAML 1.2 (core schema): `on`, `off`, `yes` and `no` are strings. */
export function readYaml(file: string, text: string): ConfigSource {
  return new TextSource(file, text)
}

/** Reads JSON, strictly. */
export function readJson(file: string, text: string): ConfigSource {
  if (text.trim() === '') return new TextSource(file, text)
  const fault = findJsonFault(text)
  if (fault === null) return new JsonSource(file, text)
  const before = text.slice(0, fault.offset).split('\n')
  return new BrokenSource(file, { line: before.length, column: before.at(-1)!.length + 1 }, fault.message)
}

/** JSON is a subset of YAML: places come from the same parser, which runs only once something is wrong. */
class JsonSource implements ConfigSource {
  readonly file: string
  readonly data: unknown
  readonly problems: Problem[] = []
  private readonly text: string
  private places: TextSource | undefined

  constructor(file: string, text: string) {
    this.file = file
    this.text = text
    this.data = JSON.parse(text)
  }

  place(path: Path, part: Part): Place {
    this.places ??= new TextSource(this.file, this.text)
    return this.places.place(path, part)
  }
}

class TextSource implements ConfigSource {
  readonly file: string
  readonly data: unknown
  readonly problems: Problem[] = []
  private readonly lines = new LineCounter()
  private readonly document: Document.Parsed

  constructor(file: string, text: string) {
    this.file = file
    // Duplicate keys are found below: the parser compares each key with every other, which 10 000 upstreams would notice.
    const options = { schema: 'core', lineCounter: this.lines, prettyErrors: false, uniqueKeys: false } as const
    this.document = parseDocument(text, options)
    // What follows the first fault is mostly its consequence.
    const fault = this.document.errors[0]
    if (fault === undefined) this.checkNodes(text)
    else this.report(fault.pos[0], yamlFault(fault.code, fault.message, text[fault.pos[0]]))
    this.data = this.problems.length === 0 ? this.toData() : undefined
  }

  place(path: Path, part: Part): Place {
    let node: unknown = this.document.contents
    let best = startOf(node) ?? 0
    for (const [depth, key] of path.entries()) {
      const holder = this.resolved(node)
      if (!isCollection(holder)) break
      const last = depth === path.length - 1
      if (isMap(holder)) {
        const pair = holder.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key))
        if (pair === undefined) break
        node = pair.value
        const keyStart = startOf(pair.key) ?? best
        best = last && part === 'key' ? keyStart : (writtenStart(node) ?? keyStart)
        // What is missing in a mapping is told at the key that holds the mapping.
        if (!last && !hasKey(this.resolved(node), path[depth + 1]!)) best = keyStart
      } else {
        node = holder.items[Number(key)]
        if (node === undefined) break
        best = startOf(node) ?? best
      }
    }
    return this.at(best)
  }

  /** Names that no anchor has, and keys that stand twice. */
  private checkNodes(text: string): void {
    visit(this.document, {
      Alias: (_key, alias) => {
        if (alias.resolve(this.document) !== undefined) return undefined
        const start = alias.range?.[0] ?? 0
        const written = text.slice(start, alias.range?.[1])
        this.report(
          start,
          `${written} is read as a YAML alias, and there is no anchor of that name: put it in quotes, "${written}"`,
        )
        return undefined
      },
      Map: (_key, map) => {
        const seen = new Set<string>()
        for (const { key } of map.items) {
          if (!isScalar(key)) {
            this.report(startOf(key) ?? startOf(map) ?? 0, 'a key must be plain text')
            continue
          }
          const name = String(key.value)
          if (seen.has(name))
            this.report(startOf(key) ?? 0, `the key ${JSON.stringify(name)} stands twice in one mapping`)
          seen.add(name)
        }
      },
    })
  }

  private toData(): unknown {
    try {
      return this.document.toJS({ maxAliasCount: 1000 }) ?? undefined
    } catch (error) {
      this.report(0, error instanceof Error ? error.message : String(error))
      return undefined
    }
  }

  private resolved(node: unknown): unknown {
    return isAlias(node) ? node.resolve(this.document) : node
  }

  private report(offset: number, message: string): void {
    this.problems.push({ file: this.file, ...this.at(offset), code: 'ERR_CONFIG_SYNTAX', message })
  }

  private at(offset: number): Place {
    const { line, col } = this.lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined
}

/** Where a value begins; undefined where nothing is written behind its key. */
function writtenStart(node: unknown): number | undefined {
  if (isScalar(node) && node.value === null && node.source === '') return undefined
  return startOf(node)
}

function hasKey(holder: unknown, key: PropertyKey): boolean {
  if (!isMap(holder)) return true
  return holder.items.some((item) => isScalar(item.key) && String(item.key.value) === String(key))
}

function yamlFault(code: string, message: string, letter: string | undefined): string {
  if (message.endsWith('at node end') && (letter === '{' || letter === '[')) {
    return `a value that holds ${letter} must stand in quotes here, inside braces or brackets`
  }
  if (code === 'TAB_AS_INDENT') return 'a tab indents this line: YAML is indented by spaces'
  if (code === 'MULTIPLE_DOCS') return 'a second YAML document begins here: a config is one document'
  const first = message.split('\n')[0]!
  return first.charAt(0).toLowerCase() + first.slice(1)
}
