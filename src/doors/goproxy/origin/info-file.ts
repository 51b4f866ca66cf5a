import { isCanonical } from '../../../gomod/version.ts'
import type { ModuleInfo } from './module-origin.ts'

/** RFC 3339 §5.6 */
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/

/** Reads an `.info` (G12, G13). Null where it is none: no JSON object with a canonical version. */
export function readInfo(bytes: Buffer): ModuleInfo | null {
  const { Version: version, Time: time } = jsonObject(bytes.toString())
  if (typeof version !== 'string' || !isCanonical(version)) return null
  if (time !== undefined && time !== null && typeof time !== 'string') return null
  return { version, time: typeof time === 'string' ? utcTime(time) : null, bytes }
}

function jsonObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/** Null for what is no time, and for the zero time that Go writes where it knows none. */
function utcTime(text: string): string | null {
  if (!rfc3339.test(text) || Number.isNaN(Date.parse(text)) || text.startsWith('0001-01-01T')) return null
  return text.endsWith('Z') ? text : new Date(text).toISOString()
}
