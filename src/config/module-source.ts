import { dirname, relative } from 'node:path'
import type { Path, Place, Problem } from './errors.ts'
import type { FileHashes } from './file-hashes.ts'
import { findLiteralPlaces, type LiteralPlace } from './literal-places.ts'
import { defaultExport, firstLine, importGraph } from './module-graph.ts'
import type { ConfigSource, Part } from './source.ts'
import { BrokenSource } from './broken-source.ts'

/**
 * Imports a module whose default export is the config, whose text is at hand. It is imported anew only when it, or a
 * file that it imports, has changed; `hashes` takes all of them.
 */
export async function readModule(
  file: string,
  absolute: string,
  text: string,
  hashes: FileHashes,
): Promise<ConfigSource> {
  const { files, imported } = await importGraph(absolute)
  for (const [each, content] of files) hashes.set(each, content)
  if ('error' in imported) {
    const { line, column } = imported.place
    const isOwn = imported.file === absolute
    const where = isOwn ? '' : `${relative(dirname(absolute), imported.file)}:${line}:${column}: `
    const place = isOwn ? imported.place : { line: 1, column: 1 }
    return new BrokenSource(file, place, `the module cannot be loaded: ${where}${firstLine(imported.error)}`)
  }
  const exported = defaultExport(imported.exports)
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
