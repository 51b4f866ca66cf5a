import { createHash } from 'node:crypto'
import { pathToFileURL } from 'node:url'
import type { Path, Place, Problem } from './errors.ts'
import { findLiteralPlaces, type LiteralPlace } from './literal-places.ts'
import type { ConfigSource, Part } from './source.ts'
import { BrokenSource } from './text-source.ts'
import { valueAt } from './tree.ts'

/**
 * Imports a module whose default export is the config. Modules never unload, so it is imported anew only
 * when its text has changed.
 */
export async function readModule(file: string, absolute: string, text: string): Promise<ConfigSource> {
  const url = pathToFileURL(absolute)
  url.searchParams.set('content', createHash('sha256').update(text).digest('hex').slice(0, 16))
  let module: unknown
  try {
    module = await import(url.href)
  } catch (error) {
    return new BrokenSource(file, faultPlace(error, absolute), `the module cannot be loaded: ${firstLine(error)}`)
  }
  const exported = valueAt(module, ['default'])
  if (exported === undefined) {
    return new BrokenSource(
      file,
      { line: 1, column: 1 },
      'the module has no default export: write `export default defineConfig({ … })`',
    )
  }
  return new ObjectSource(file, exported, text)
}

/** A config that is at hand as an object; `text` is where it was written, '' where that is not known. */
export class ObjectSource implements ConfigSource {
  readonly file: string
  readonly data: unknown
  readonly problems: Problem[] = []
  private readonly text: string
  private places: Map<string, LiteralPlace> | undefined

  constructor(file: string, data: unknown, text = '') {
    this.file = file
    this.data = data
    this.text = text
  }

  place(path: Path, part: Part): Place {
    this.places ??= findLiteralPlaces(this.text)
    for (let length = path.length; length >= 0; length--) {
      const found = this.places.get(JSON.stringify(path.slice(0, length)))
      if (found === undefined) continue
      const wantsKey = length === path.length ? part === 'key' : typeof path[length - 1] === 'string'
      return placeOf(this.text, wantsKey ? found.key : found.value)
    }
    return { line: 1, column: 1 }
  }
}

function placeOf(text: string, offset: number): Place {
  const before = text.slice(0, offset).split('\n')
  return { line: before.length, column: before.at(-1)!.length + 1 }
}

/** Where Node says that a module broke: the first mention of the file in the stack. */
function faultPlace(error: unknown, absolute: string): Place {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const at = stack.indexOf(absolute)
  const [, line, column] = /^[^:\n]*:(\d+)(?::(\d+))?/.exec(at < 0 ? '' : stack.slice(at)) ?? []
  return { line: Number(line ?? 1), column: Number(column ?? 1) }
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.trim().split('\n').at(0)!.trim()
}
