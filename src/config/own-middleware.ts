import { relative, resolve } from 'node:path'
import type { z } from 'zod'
import type { Config } from './config.ts'
import { renderPath, type Path, type Place } from './errors.ts'
import type { FileHashes } from './file-hashes.ts'
import { describeIssue, findingsOf } from './issues.ts'
import { useLists, writtenMiddleware } from './middleware-places.ts'
import { isModulePath } from './middleware-schemas.ts'
import { defaultExport, firstLine, importGraph, type ModuleGraph } from './module-graph.ts'
import { ModuleUse, type ModuleDefinition } from './module-use.ts'
import type { Finding } from './source.ts'
import { isTree, valueAt } from './tree.ts'

/** The user's own middleware, imported: what is wrong with it, and what the checked config needs of it. */
export interface OwnMiddleware {
  findings: Finding[]
  /** Puts definitions, checked options and places into the checked config. */
  fill(config: Config, place: (path: Path) => Place & { file: string }): void
}

interface Use {
  /** Where it stands. */
  path: Path
  /** Where its options stand, or would. */
  optionsPath: Path
  file: string
  options: unknown
}

interface Filled {
  path: Path
  options: unknown
  version: string
  definition: ModuleDefinition
}

/**
 * Imports every module that a tree uses as middleware, and checks the options of each use. Paths are relative to
 * `folder`; `hashes` takes the modules and all files that they import.
 */
export async function importOwnMiddleware(data: unknown, folder: string, hashes: FileHashes): Promise<OwnMiddleware> {
  const findings: Finding[] = []
  const filled: Filled[] = []
  for (const { path, optionsPath, file, options } of usesOf(data)) {
    const graph = await importGraph(resolve(folder, file))
    for (const [each, content] of graph.files) hashes.set(each, content)
    const definition = definitionOf(graph, file, folder)
    if (typeof definition === 'string') {
      findings.push({
        path,
        part: 'value',
        code: 'ERR_CONFIG_MODULE',
        message: `${renderPath(path)}: ${definition}`,
      })
      continue
    }
    const checked = checkOptions(definition, options)
    if (checked.success) filled.push({ path, options: checked.data, version: graph.version, definition })
    else
      findings.push(
        ...findingsOf(
          checked.error.issues.map((issue) => ({ ...issue, path: [...optionsPath, ...issue.path] })),
          data,
        ),
      )
  }
  return {
    findings,
    fill(config, place) {
      for (const { path, options, version, definition } of filled) {
        const use = valueAt(config, path)
        if (!(use instanceof ModuleUse)) continue
        use.fill(options, version, definition)
        use.place = place(path)
      }
    },
  }
}

function usesOf(data: unknown): Use[] {
  const bare = useLists(data).flatMap(({ path, list }) =>
    list.flatMap((file, index) => {
      const at = [...path, index]
      return typeof file === 'string' && isModulePath(file) ? [{ path: at, optionsPath: at, file, options: {} }] : []
    }),
  )
  const withOptions = writtenMiddleware(data).flatMap(({ path, tree }) => {
    const [[file, options] = ['', {}], ...more] = Object.entries(tree)
    if (more.length > 0 || !isModulePath(file)) return []
    return [{ path, optionsPath: [...path, file], file, options: options ?? {} }]
  })
  return [...bare, ...withOptions]
}

/** What a module exports, or what is wrong with it. */
function definitionOf({ files, imported }: ModuleGraph, file: string, folder: string): ModuleDefinition | string {
  if (files.get(resolve(folder, file)) === '') return `${file} cannot be read: there is no such file`
  if ('error' in imported) {
    const { line, column } = imported.place
    return `${file} cannot be loaded: ${relative(folder, imported.file)}:${line}:${column}: ${firstLine(imported.error)}`
  }
  const definition = defaultExport(imported.exports)
  if (definition === undefined) return `${file} has no default export: write \`export default defineMiddleware({ … })\``
  return isDefinition(definition)
    ? definition
    : `${file} exports no middleware: write \`export default defineMiddleware({ name, options, create })\``
}

function isDefinition(value: unknown): value is ModuleDefinition {
  if (!isTree(value)) return false
  const { name, options, create } = value
  return (
    typeof name === 'string' &&
    typeof create === 'function' &&
    isTree(options) &&
    typeof options['safeParse'] === 'function'
  )
}

function checkOptions({ options: schema }: ModuleDefinition, options: unknown): z.ZodSafeParseResult<unknown> {
  return schema.safeParse(options, { error: describeIssue })
}
