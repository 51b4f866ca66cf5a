/** One promise, measured. */
export interface Target {
  what: string
  /** As in `≥ 1.0×`. */
  wanted: string
  measured: string
  met: boolean
}

export const atLeast = (what: string, value: number, limit: number, unit = '×', digits = 2): Target => ({
  what,
  wanted: `≥ ${limit}${unit}`,
  measured: `${value.toFixed(digits)}${unit}`,
  met: value >= limit,
})

export const atMost = (what: string, value: number, limit: number, unit: string, digits = 1): Target => ({
  what,
  wanted: `≤ ${limit}${unit}`,
  measured: `${value.toFixed(digits)}${unit}`,
  met: value <= limit,
})
