import type { CapturedBody } from './captured-body.ts'

export type Fields = readonly (readonly [name: string, value: string])[]

/** One request with what became of it, as it was seen next to the target: nothing is hidden yet. */
export interface Flow {
  id: string
  listener: string
  rule: string
  clientAddress: string
  clientPort: number
  user: string
  /** ms since 1970. */
  startedWall: number
  request: {
    method: string
    url: string
    protocol: string
    fields: Fields
    body: CapturedBody | null
  }
  /** Null where none came. */
  reply: {
    status: number
    reason: string
    protocol: string
    fields: Fields
    body: CapturedBody | null
  } | null
  /** What the client was answered. */
  status: number
  failure: { code: string; phase: string } | null
  serverAddress: string
  /** Points in time, ms; 0 for those that were not reached. */
  times: { started: number; connected: number; sent: number; firstByte: number; finished: number }
  /** Its connection had been used before. */
  reused: boolean
}

/** Every value of a field; names are lower case. */
export function fieldsOf(fields: Fields, name: string): string[] {
  return fields.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value)
}

/** The first value, '' for none. */
export function fieldOf(fields: Fields, name: string): string {
  return fieldsOf(fields, name)[0] ?? ''
}
