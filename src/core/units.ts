const durationUnits = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
])

const sizeUnits = new Map([
  ['B', 1],
  ['KiB', 1024],
  ['MiB', 1024 ** 2],
  ['GiB', 1024 ** 3],
])

const rateUnits = new Map([
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
])

export const durationUnitNames = 'ms, s, m or h'
export const sizeUnitNames = 'B, KiB, MiB or GiB'

/** So many of something in so long. */
export interface Rate {
  count: number
  perMs: number
}

/** So many bytes in so long. */
export interface ByteRate {
  bytes: number
  perMs: number
}

/** Milliseconds of `250ms`, `5s`, `2m`, `24h`. Throws a RangeError that says what is wrong. */
export function parseDuration(text: string): number {
  return quantity(text, durationUnits, 'a duration', durationUnitNames)
}

/** As a config writes it, in the largest unit that needs no fraction beyond thousandths of a second: `250ms`, `16s`, `1.5s`, `2m`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`
  if (ms % 60_000 === 0) return `${ms / 60_000}m`
  return `${Math.round(ms) / 1_000}s`
}

/** Bytes of `512B`, `16KiB`, `64MiB`, `1GiB`. Throws a RangeError that says what is wrong. */
export function parseSize(text: string): number {
  return quantity(text, sizeUnits, 'a size', sizeUnitNames)
}

/** `100/s`, `60/m`, `5/h`. Throws a RangeError that says what is wrong. */
export function parseRate(text: string): Rate {
  const [, count, unit] = /^(\d{1,15})\/([a-z]+)$/.exec(text) ?? []
  const perMs = unit === undefined ? undefined : rateUnits.get(unit)
  if (perMs === undefined) throw new RangeError(`${shown(text)} is not a rate: write it per s, m or h, as in 100/s`)
  return { count: Number(count), perMs }
}

/** A size in a duration, as in `1KiB/30s`. Throws a RangeError that says what is wrong. */
export function parseByteRate(text: string): ByteRate {
  const slash = text.indexOf('/')
  if (slash < 0) throw new RangeError(`${shown(text)} is not a size in a duration: write it as in 1KiB/30s`)
  const rate = { bytes: parseSize(text.slice(0, slash)), perMs: parseDuration(text.slice(slash + 1)) }
  if (rate.perMs === 0) throw new RangeError(`${shown(text)} has a duration of nothing`)
  return rate
}

/** A share from 0 to 1 of `50%`. Throws a RangeError that says what is wrong. */
export function parsePercentage(text: string): number {
  const [, digits] = /^(\d{1,3}(?:\.\d{1,9})?)%$/.exec(text) ?? []
  if (digits === undefined || Number(digits) > 100)
    throw new RangeError(`${shown(text)} is not a percentage: write it from 0% to 100%`)
  return Number(digits) / 100
}

function quantity(text: string, units: Map<string, number>, what: string, names: string): number {
  const [, digits, unit] = /^(\d{1,15}(?:\.\d{1,9})?)([A-Za-z]*)$/.exec(text) ?? []
  if (digits === undefined || unit === undefined)
    throw new RangeError(`${shown(text)} is not ${what}: write a number and one of ${names}`)
  const factor = units.get(unit)
  if (factor === undefined) {
    throw new RangeError(
      unit === ''
        ? `${digits} has no unit: write one of ${names} behind it`
        : `${shown(text)} has an unknown unit: use ${names}`,
    )
  }
  const value = Math.round(Number(digits) * factor)
  if (!Number.isSafeInteger(value)) throw new RangeError(`${shown(text)} is too large`)
  return value
}

function shown(text: string): string {
  return JSON.stringify(text)
}
