import type { ErrorCode } from '../core/error-codes.ts'
import { TurnpikeError } from '../core/error.ts'
import type { FileHashes } from './file-hashes.ts'

/** Where a key or value stands: a line and column from 1, in UTF-16 units. */
export interface Place {
  line: number
  column: number
}

/** One thing that is wrong with a config, or, among warnings, odd about it. */
export interface Problem extends Place {
  /** The file as it was named. */
  file: string
  code: ErrorCode
  message: string
}

/** The keys and positions that lead to a value. */
export type Path = readonly PropertyKey[]

/** A config that cannot be used: every problem found, in the order of the file. */
export class ConfigError extends TurnpikeError {
  readonly problems: readonly Problem[]
  /** What was read before it was thrown: what to look at for a change. */
  files: FileHashes = new Map()

  constructor(problems: readonly Problem[]) {
    super(problems[0]?.code ?? 'ERR_CONFIG_INVALID', { message: problems.map(renderProblem).join('\n') })
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/** `file:line:column: message [CODE]`; further lines of a message follow. */
export function renderProblem(problem: Problem): string {
  const [first, ...more] = problem.message.split('\n')
  return [`${problem.file}:${problem.line}:${problem.column}: ${first} [${problem.code}]`, ...more].join('\n')
}

/** `gateway.routes[0].match`; keys that would be read wrongly stand in brackets and quotes. */
export function renderPath(path: Path): string {
  let text = ''
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`
    else if (/^[A-Za-z0-9_$-]+$/.test(String(key))) text += text === '' ? String(key) : `.${String(key)}`
    else text += `[${JSON.stringify(String(key))}]`
  }
  return text
}
