import { SumdbError } from './sumdb-error.ts'

/** One record of a checksum database: the go.sum lines of one module version. */
export interface SumRecord {
  /** Its number in the log, from 0. */
  id: number
  /** Lines, each with its newline, none of them empty. */
  text: string
}

/** As `/lookup/` answers it, but for the signed tree head behind it (G25). Throws a SumdbError. */
export function formatRecord({ id, text }: SumRecord): string {
  if (!isRecordText(text)) throw malformed()
  return `${id}\n${text}\n`
}

/** Reads what `/lookup/` answers: the record, and the signed tree head behind it. Throws a SumdbError. */
export function parseRecord(bytes: Buffer): { record: SumRecord; rest: Buffer } {
  const firstEnd = bytes.indexOf('\n')
  const split = bytes.indexOf('\n\n', firstEnd + 1)
  if (firstEnd < 0 || split < 0) throw malformed()
  const id = Number(bytes.toString('latin1', 0, firstEnd))
  const text = decode(bytes.subarray(firstEnd + 1, split + 1))
  if (!/^[0-9]+$/.test(bytes.toString('latin1', 0, firstEnd)) || !Number.isSafeInteger(id)) throw malformed()
  if (!isRecordText(text)) throw malformed()
  return { record: { id, text }, rest: bytes.subarray(split + 2) }
}

/** A `data` tile: the texts of its records, an empty line behind each. */
export function formatDataTile(texts: readonly string[]): Buffer {
  return Buffer.from(texts.map((text) => `${text}\n`).join(''))
}

/** The texts in a `data` tile. Throws a SumdbError. */
export function parseDataTile(bytes: Buffer): string[] {
  const whole = decode(bytes)
  if (whole === '') return []
  if (!whole.endsWith('\n\n')) throw malformed()
  const texts = whole.slice(0, -2).split('\n\n')
  return texts.map((text) => {
    if (!isRecordText(`${text}\n`)) throw malformed()
    return `${text}\n`
  })
}

/** The `h1:` that a record has for a version's contents, and for its go.mod; null where it has none. */
export function recordHashes(
  text: string,
  module: string,
  version: string,
): { zip: string | null; mod: string | null } {
  const find = (start: string): string | null => {
    const line = text
      .split('\n')
      .find((candidate) => candidate.startsWith(start) && candidate.startsWith('h1:', start.length))
    return line === undefined ? null : line.slice(start.length)
  }
  return { zip: find(`${module} ${version} `), mod: find(`${module} ${version}/go.mod `) }
}

function isRecordText(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  return text.endsWith('\n') && !text.includes('\n\n') && !/[\u0000-\u0009\u000b-\u001f]/.test(text)
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw malformed()
  }
}

function malformed(): SumdbError {
  return new SumdbError('The record is malformed')
}
