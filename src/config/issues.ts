import { z } from 'zod'
import { kindOf, notAvailable, suggestion } from '../core/config-fields.ts'
import type { ErrorCode } from '../core/error-codes.ts'
import { nearest } from '../core/nearest.ts'
import { renderPath, type Path } from './errors.ts'
import type { Finding } from './source.ts'
import { valueAt } from './tree.ts'

type Issue = z.core.$ZodIssue
type RawIssue = Parameters<z.core.$ZodErrorMap>[0]

const kinds: Record<string, string> = {
  string: 'text',
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
  number: 'a whole number',
  int: 'a whole number',
  boolean: 'true or false',
}

/** Words for what the schema library finds, where the schema itself has none. */
export function describeIssue(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${kinds[issue.expected] ?? issue.expected}, found ${kindOf(issue.input)}${quoteHint(issue)}`
    case 'unrecognized_keys':
      return issue.keys.map((key) => suggestion(nearest(key, knownKeys(issue)))).join('\n')
    case 'too_small':
      if (issue.origin === 'array') return 'the list is empty'
      return issue.origin === 'string'
        ? 'the text is empty'
        : `${String(issue.input)} is too small: at least ${issue.minimum}`
    case 'too_big':
      return `${String(issue.input)} is too large: at most ${issue.maximum}`
    case 'invalid_value':
      return `expected one of ${issue.values.join(', ')}, found ${kindOf(issue.input)}`
    case 'invalid_union':
      return `no form of this value fits ${kindOf(issue.input)}`
    default:
      return undefined
  }
}

/** What the schema library found, one finding for each thing that is wrong. */
export function findingsOf(issues: readonly Issue[], data: unknown): Finding[] {
  return flattenIssues(issues).flatMap((issue) => finding(issue, data))
}

/** Issues with whole paths; those of a union replaced by those of the form that was meant. */
export function flattenIssues(issues: readonly Issue[]): Issue[] {
  return issues.flatMap((issue) => flatten(issue, []))
}

function flatten(issue: Issue, prefix: Path): Issue[] {
  const path = [...prefix, ...issue.path]
  if (issue.code === 'invalid_union') {
    const meant = issue.errors.find((errors) => !errors.some((error) => error.path.length === 0 && isOtherKind(error)))
    if (meant !== undefined && meant.length > 0) return meant.flatMap((inner) => flatten(inner, path))
  }
  return [{ ...issue, path }]
}

/** Whether an issue says that another kind of value stands there than this form of a union takes. */
function isOtherKind(issue: Issue): boolean {
  if (issue.code === 'invalid_type' || issue.code === 'invalid_value') return true
  if (issue.code !== 'invalid_union') return false
  return issue.errors.every((errors) => errors.some((error) => error.path.length === 0 && isOtherKind(error)))
}

function finding(issue: Issue, data: unknown): Finding[] {
  const { path } = issue
  const one = (code: ErrorCode, part: 'key' | 'value', message: string, at: Path = path): Finding => ({
    path: at,
    part,
    code,
    message,
  })
  if (issue.code === 'unrecognized_keys') {
    const hints = issue.message.split('\n')
    return issue.keys.map((key, index) => {
      const at = [...path, key]
      return one('ERR_CONFIG_UNKNOWN_KEY', 'key', `${renderPath(at)} is not a known key${hints[index] ?? ''}`, at)
    })
  }
  const where = path.length === 0 ? 'the config' : renderPath(path)
  if (issue.code === 'invalid_key') {
    return [one('ERR_CONFIG_INVALID', 'key', `${where}: ${issue.issues.map((inner) => inner.message).join('; ')}`)]
  }
  if (issue.code === 'invalid_type' && issue.expected === 'never') {
    return [path, ...laterWithin(valueAt(data, path), path)].map((at) =>
      one('ERR_CONFIG_NOT_AVAILABLE', 'key', `${renderPath(at)} is ${notAvailable}`, at),
    )
  }
  if (issue.message.endsWith(notAvailable))
    return [one('ERR_CONFIG_NOT_AVAILABLE', 'value', `${where}: ${issue.message}`)]
  if (issue.code === 'custom' && issue.params?.['code'] === 'ERR_CONFIG_REGEX') {
    return [one('ERR_CONFIG_REGEX', 'value', `${where}: ${issue.message}`)]
  }
  if (valueAt(data, path) === undefined) return [one('ERR_CONFIG_INVALID', 'value', `${where} is missing`)]
  return [one('ERR_CONFIG_INVALID', 'value', `${where}: ${issue.message}`)]
}

/** Keys of later versions inside a block that is refused as a whole: each is named, wherever it stands. */
const laterKeys = ['use', 'balance', 'retries', 'circuitBreaker', 'admission', 'http2']

function laterWithin(value: unknown, path: Path): Path[] {
  // The depth is that of a mistake, or of a module whose object holds itself.
  if (typeof value !== 'object' || value === null || path.length > 32) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    const at = [...path, Array.isArray(value) ? Number(key) : key]
    return [...(laterKeys.includes(key) ? [at] : []), ...laterWithin(inner, at)]
  })
}

function knownKeys(issue: RawIssue): string[] {
  return issue.inst instanceof z.ZodObject ? Object.keys(issue.inst.shape) : []
}

function quoteHint(issue: RawIssue): string {
  const isText = issue.code === 'invalid_type' && issue.expected === 'string'
  return isText && ['number', 'boolean'].includes(typeof issue.input) ? ': put it in quotes' : ''
}
