import { HostPattern } from '../host-pattern.ts'
import type { StreamConfig } from '../config.ts'

/** Which connections of TLS a stream is for. */
export class StreamMatch {
  private readonly names: readonly HostPattern[]
  private readonly listener: string | undefined

  constructor({ sni, listener }: StreamConfig['match']) {
    this.names = sni.map((name) => new HostPattern(name === '*' ? undefined : name))
    this.listener = listener
  }

  /** `sni`: as a ClientHello gives it; one without a name is never a stream's. */
  matches(listener: string, sni: string): boolean {
    if (sni === '' || (this.listener !== undefined && this.listener !== listener)) return false
    return this.names.some((name) => name.matches(sni))
  }

  /** Whether all that `other` takes is for this one too. */
  covers(other: StreamMatch): boolean {
    if (this.listener !== undefined && this.listener !== other.listener) return false
    return other.names.every((name) => this.names.some((own) => own.covers(name)))
  }
}
