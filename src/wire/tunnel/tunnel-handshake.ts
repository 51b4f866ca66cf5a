/** Why a proxy did not open a tunnel. */
export class TunnelRefusal extends Error {
  /** What went wrong: it did not let us in, it says no, it speaks something else. */
  readonly kind: 'auth' | 'refused' | 'protocol'
  /** The HTTP status that says the same: 502, or 504 where it waited in vain itself. */
  readonly status: 502 | 504

  constructor(kind: TunnelRefusal['kind'], message: string, status: 502 | 504 = 502) {
    super(message)
    this.name = 'TunnelRefusal'
    this.kind = kind
    this.status = status
  }
}

/** What is to be done after bytes were taken. */
export type TunnelStep =
  | { open: false; send: Buffer | null }
  /** The tunnel is open: the bytes from `end` on are the target's already (F3). */
  | { open: true; end: number }

/** A client's half of how a proxy is asked for a tunnel. One for each tunnel. */
export interface TunnelHandshake {
  /** What is sent first. */
  begin(): Buffer
  /** Takes bytes[start..end), whatever pieces they come in. Throws a TunnelRefusal. */
  take(bytes: Buffer, start: number, end: number): TunnelStep
}

/** Where a tunnel leads: `host` is a name, or an address without brackets. */
export interface TunnelTarget {
  host: string
  port: number
}
