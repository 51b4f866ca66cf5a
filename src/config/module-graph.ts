import { readFileSync } from 'node:fs'
import { registerHooks, type ResolveFnOutput, type ResolveHookContext } from 'node:module'
import { extname } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Place } from './errors.ts'
import { hashOf, type FileHashes } from './file-hashes.ts'

/** Marks the URL of a module with the graph that it was imported in. */
const MARK = 'turnpike-graph'

/** A module of the user's with all files of theirs that it imports, as they stood at one time. */
export interface ModuleGraph {
  /** Those files, the module itself first; also a file that is missing. */
  readonly files: FileHashes
  /** A hash of them: equal for equal contents. */
  readonly version: string
  /** What it exports; where it could not be imported, why, and where it broke. */
  readonly imported: { exports: unknown } | { error: unknown; file: string; place: Place }
}

/**
 * What is known of the process's own modules, which no scope can take back: Node keeps every version of a module
 * for good. So they are shared by all that runs in the process, and one is imported anew only when it, or a file that
 * it imports, has changed.
 */
const graphs = new Map<string, Graph>()
const latest = new Map<string, Graph>()
let versions = 0
let hooked = false

/** Versions of modules that were imported so far, in this process. */
export function importedModules(): number {
  return versions
}

/** Imports a module, and anew where any file of its import graph has changed since the last time. */
export async function importGraph(entry: string): Promise<ModuleGraph> {
  if (!hooked) {
    hooked = true
    registerHooks({ resolve })
  }
  const known = latest.get(entry)
  let graph = known
  if (graph === undefined || graph.changed()) {
    const key = keyOf([entry, ...(known?.files.keys() ?? [])])
    const earlier = graphs.get(key)
    graph =
      earlier === undefined || earlier.changed()
        ? new Graph(entry, earlier === undefined ? key : nextKey(key))
        : earlier
    graphs.set(graph.key, graph)
    latest.set(entry, graph)
  }
  const imported = await graph.load()
  return { files: graph.files, version: graph.version(), imported }
}

class Graph {
  readonly key: string
  /** What stood in each file when it was asked for, hashed. */
  readonly files: FileHashes = new Map()
  private readonly entry: string
  private loading: Promise<ModuleGraph['imported']> | null = null

  constructor(entry: string, key: string) {
    this.entry = entry
    this.key = key
    this.add(entry)
  }

  add(file: string): void {
    if (this.files.has(file)) return
    this.files.set(file, contentHash(file))
    versions++
  }

  changed(): boolean {
    return [...this.files].some(([file, content]) => contentHash(file) !== content)
  }

  version(): string {
    return hashOf(JSON.stringify([...this.files.values()])).slice(0, 16)
  }

  load(): Promise<ModuleGraph['imported']> {
    this.loading ??= this.import()
    return this.loading
  }

  private async import(): Promise<ModuleGraph['imported']> {
    const url = pathToFileURL(this.entry)
    url.searchParams.set(MARK, this.key)
    try {
      return { exports: await import(url.href) }
    } catch (error) {
      return { error, ...this.faultPlace(error) }
    }
  }

  /** Where Node says that it broke: the first of its files that the stack names. */
  private faultPlace(error: unknown): { file: string; place: Place } {
    const stack = error instanceof Error ? (error.stack ?? '') : ''
    for (const [, file, line, column] of stack.matchAll(
      /(?:file:\/\/)?(\/[^\s?():]+)(?:\?[^\s:()]*)?:(\d+)(?::(\d+))?/g,
    )) {
      if (this.files.has(file!)) return { file: file!, place: { line: Number(line), column: Number(column ?? 1) } }
    }
    return { file: this.entry, place: { line: 1, column: 1 } }
  }
}

function keyOf(files: Iterable<string>): string {
  return hashOf(JSON.stringify([...files].map((file) => [file, contentHash(file)]))).slice(0, 16)
}

/** A key that was not used: under the same one, Node would give what it has. */
function nextKey(key: string): string {
  for (let count = 2; ; count++) if (!graphs.has(`${key}-${count}`)) return `${key}-${count}`
}

/** '' for a file that is not there. */
function contentHash(file: string): string {
  try {
    return hashOf(readFileSync(file))
  } catch {
    return ''
  }
}

type NextResolve = (specifier: string, context?: Partial<ResolveHookContext>) => ResolveFnOutput

/** Where a module of the user's finds what it imports; their own files are marked as it is, so that they are as fresh. */
function resolve(specifier: string, context: ResolveHookContext, next: NextResolve): ResolveFnOutput {
  const { parentURL } = context
  if (parentURL?.includes(MARK) !== true) return next(specifier, context)
  const graph = graphs.get(new URL(parentURL).searchParams.get(MARK) ?? '')
  if (graph === undefined) return next(specifier, context)
  // The Turnpike that runs it, whatever is installed where the config lies.
  if (specifier === 'turnpike') return next(ownIndex, context)
  const relative = /^(?:\.{0,2}\/|file:)/.test(specifier)
  let found: ResolveFnOutput
  try {
    found = next(specifier, context)
  } catch (error) {
    if (specifier === 'zod') return next(specifier, { ...context, parentURL: import.meta.url })
    if (relative) graph.add(fileURLToPath(new URL(specifier, parentURL)))
    throw error
  }
  if (!relative || !found.url.startsWith('file:') || found.url.startsWith(ownRoot)) return found
  const url = new URL(found.url)
  url.search = ''
  graph.add(fileURLToPath(url))
  url.searchParams.set(MARK, graph.key)
  return { ...found, url: url.href }
}

/** The folder of our own code, sources or built. */
const ownRoot = new URL('../', import.meta.url).href
const ownIndex = new URL(`../index${extname(import.meta.url)}`, import.meta.url).href

/** The default export of a module; undefined for none. */
export function defaultExport(exports: unknown): unknown {
  // A namespace has no prototype, and its own exports alone.
  return typeof exports === 'object' && exports !== null && 'default' in exports ? exports.default : undefined
}

/** What to show of what a module threw. */
export function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.trim().split('\n').at(0)!.trim()
}
