import { TurnpikeError } from '../../../core/error.ts'

/** A line of the index feed. */
export interface IndexEntry {
  module: string
  version: string
  /** When it was first kept here, µs since 1970: no two entries of one process share one. */
  atUs: number
}

/** As the public module index writes it. */
export function indexLine({ module, version, atUs }: IndexEntry): string {
  return `${JSON.stringify({ Path: module, Version: version, Timestamp: formatMicroseconds(atUs) })}\n`
}

/** Lines that `indexLine` wrote. Throws ERR_MODULE_STORE for others. */
export function readIndexLines(text: string): IndexEntry[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { Path, Version, Timestamp } = parse(line)
      if (typeof Path !== 'string' || typeof Version !== 'string' || typeof Timestamp !== 'string') throw damaged()
      return { module: Path, version: Version, atUs: parseMicroseconds(Timestamp) ?? fail() }
    })
}

/** RFC 3339 in UTC, with microseconds. */
export function formatMicroseconds(us: number): string {
  return `${new Date(Math.floor(us / 1000)).toISOString().slice(0, -1)}${String(us % 1000).padStart(3, '0')}Z`
}

/** RFC 3339, any zone, any fraction; null for other text. */
export function parseMicroseconds(text: string): number | null {
  const match = /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)$/.exec(text)
  const ms = match === null ? Number.NaN : Date.parse(`${match[1]}${match[3]}`.toUpperCase())
  return Number.isNaN(ms) ? null : ms * 1000 + Number((match?.[2] ?? '').slice(0, 6).padEnd(6, '0'))
}

function parse(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : fail()
  } catch {
    return fail()
  }
}

function fail(): never {
  throw damaged()
}

function damaged(): TurnpikeError {
  return new TurnpikeError('ERR_MODULE_STORE', { message: 'A part of the index is damaged.' })
}
