import { z } from 'zod'
import type { Config } from './config.ts'
import { ConfigError, type Place, type Problem } from './errors.ts'
import { hideValues, substituteEnvironment, type Environment, type Substitution } from './environment.ts'
import type { FileHashes } from './file-hashes.ts'
import { fillFiles, readFiles } from './files.ts'
import { describeIssue, findingsOf, flattenIssues } from './issues.ts'
import { lintConfig } from './lints.ts'
import { importOwnMiddleware } from './own-middleware.ts'
import { findReferences } from './references.ts'
import { configSchema } from './schema.ts'
import type { ConfigSource, Finding } from './source.ts'
import { replaceAt, valueAt } from './tree.ts'

/** A config that can be run. */
export interface CheckedConfig {
  config: Config
  /** Odd but not wrong: unused upstreams, routes that nothing reaches. */
  warnings: Problem[]
  plain: PlainConfig
}

/** What a checked config is made of, as values that another thread can take: from it `rebuilding` makes the same config. */
export interface PlainConfig {
  /** The tree as typed, with environment variables put in. */
  data: unknown
  /** What relative paths start from. */
  folder: string
  /** What stands in the files that it names, by absolute path. */
  texts: ReadonlyMap<string, string>
  /** Where middleware of the user's own is used, by JSON of the path. */
  places: ReadonlyMap<string, Place & { file: string }>
}

const smallest = `the config is empty; a smallest one is:

    listeners:
      web: { address: "127.0.0.1:8080", door: gateway }
    gateway:
      routes:
        - { name: all, match: { path: /** }, to: app }
      upstreams:
        app: { endpoints: ["http://127.0.0.1:9000"] }
`

/** Checks a tree from any source. Throws a ConfigError with everything that is wrong. */
export async function validateConfig(
  source: ConfigSource,
  options: { folder: string; env: Environment; lint: (config: Config) => Finding[]; hashes: FileHashes },
): Promise<CheckedConfig> {
  if (source.problems.length > 0) throw new ConfigError(inOrder(source.problems))
  if (isEmpty(source.data)) {
    throw new ConfigError([{ file: source.file, line: 1, column: 1, code: 'ERR_CONFIG_EMPTY', message: smallest }])
  }
  const { data, substitutions, findings } = substituteEnvironment(source.data, options.env)
  const parsed = parse(data, substitutions)
  const files = await readFiles(data, options.folder, options.hashes)
  const own = await importOwnMiddleware(data, options.folder, options.hashes)
  // Where a variable is not set, what the schema says of the text without it is noise.
  const unset = new Set(findings.map(({ path }) => JSON.stringify(path)))
  const read = [...files.findings, ...own.findings]
  const faults = [...findingsOf(parsed.error?.issues ?? [], data), ...findReferences(data), ...read]
  findings.push(...faults.filter(({ path }) => !unset.has(JSON.stringify(path))))
  const placed = (finding: Finding) => place(source, finding, substitutions)
  if (parsed.data === undefined || findings.length > 0) throw new ConfigError(inOrder(findings.map(placed)))
  const { folder } = options
  const { texts } = files
  fillFiles(parsed.data, folder, texts)
  const places = new Map<string, Place & { file: string }>()
  own.fill(parsed.data, (path) => {
    const at = { file: source.file, ...source.place(path, 'value') }
    places.set(JSON.stringify(path), at)
    return at
  })
  const odd = [...lintConfig(parsed.data), ...options.lint(parsed.data)]
  return { config: parsed.data, warnings: inOrder(odd.map(placed)), plain: { data, folder, texts, places } }
}

/** A variable's text is read as a number or a switch where the schema wants one: nowhere else, so that a password of digits stays text. */
function parse(data: unknown, substitutions: ReadonlyMap<string, Substitution>): z.ZodSafeParseResult<Config> {
  const parsed = configSchema.safeParse(data, { error: describeIssue })
  if (parsed.success || substitutions.size === 0) return parsed
  let changed = false
  for (const issue of flattenIssues(parsed.error.issues)) {
    const { path } = issue
    if (!substitutions.has(JSON.stringify(path))) continue
    const text = String(valueAt(data, path))
    const value = plainValue(text)
    const kind =
      issue.code === 'invalid_type' ? issue.expected : issue.code === 'invalid_value' ? typeof issue.values[0] : ''
    if (value === undefined || !(kind === typeof value || (kind === 'int' && typeof value === 'number'))) continue
    replaceAt(data, path, value)
    changed = true
  }
  return changed ? configSchema.safeParse(data, { error: describeIssue }) : parsed
}

function plainValue(text: string): number | boolean | undefined {
  if (text === 'true' || text === 'false') return text === 'true'
  return /^-?\d{1,15}(?:\.\d{1,9})?$/.test(text) ? Number(text) : undefined
}

function place(
  source: ConfigSource,
  { path, part, code, message }: Finding,
  substitutions: ReadonlyMap<string, Substitution>,
): Problem {
  const { line, column }: Place = source.place(path, part)
  return { file: source.file, line, column, code, message: hideValues(message, path, substitutions) }
}

function isEmpty(data: unknown): boolean {
  if (data === undefined || data === null) return true
  return typeof data === 'object' && !Array.isArray(data) && Object.keys(data).length === 0
}

function inOrder(problems: readonly Problem[]): Problem[] {
  const sorted = problems.toSorted((left, right) => left.line - right.line || left.column - right.column)
  const seen = new Set<string>()
  return sorted.filter((problem) => {
    const key = `${problem.line}:${problem.column}:${problem.message}`
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}
