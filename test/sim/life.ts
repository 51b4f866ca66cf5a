import type { BindAddress } from '../../src/engine/world.ts'
import type { ExchangePlan, LifePlan } from './plan.ts'
import type { Random } from './random.ts'
import type { SimWorld } from './sim-world.ts'

/** What the origin saw of one try of an exchange. */
export interface Attempt {
  /** The connection had carried another exchange before. */
  reused: boolean
  bodyBytes: number
  complete: boolean
  /** Bytes of a reply were sent. */
  replied: boolean
}

/** What the client saw of an exchange. */
export interface Sight {
  /** 'reply': the origin's, complete. 'partial': begun and cut. 'none': nothing. 'switched': a tunnel. Else a cause code. */
  outcome: string
  status: number
  /** The reply said that the connection closes. */
  saysClose: boolean
  bytes: number
}

/** What one life shares: its world, its plan, and what was seen. */
export interface Life {
  world: SimWorld
  random: Random
  plan: LifePlan
  address: BindAddress
  attempts: Map<number, Attempt[]>
  /** When the listener began to drain, if it did. */
  drained: boolean
  planOf(id: number): ExchangePlan | undefined
  /** Something happened that never may. */
  violate(what: string): void
  note(what: () => string): void
}

/** The head of a message as text. */
export function headText(start: string, fields: [string, string][]): string {
  return `${start}\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
}

/** A whole chunked body, in chunks of some size. */
export function chunked(bytes: Buffer, chunkSize: number, trailers: [string, string][] | null): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; at += chunkSize) {
    const chunk = bytes.subarray(at, at + chunkSize)
    parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'))
  }
  const lines = trailers === null ? '' : trailers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  parts.push(Buffer.from(`0\r\n${lines}\r\n`))
  return Buffer.concat(parts)
}
