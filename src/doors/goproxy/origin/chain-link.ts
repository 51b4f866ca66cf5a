import type { TurnpikeError } from '../../../core/error.ts'
import type { HttpFiles } from './http-files.ts'
import type { MemberHealthFacts } from './member-health.ts'
import { ProxyOrigin } from './proxy-origin.ts'
import type { ModuleOrigin } from './module-origin.ts'

/** One member of the chain, for `/api/modules`. */
export interface ChainMember {
  /** Its URL without credentials, `direct` or `off`. */
  name: string
  /** What makes the next one be asked: `,` for 404 and 410 alone, `|` for any error. */
  next: ',' | '|'
  /** Questions that it had the answer to, that it said there is none to, and that it could not answer. */
  found: number
  notFound: number
  failed: number
  /** Null for what is not asked by http. */
  health: MemberHealthFacts | null
  /** Such as `TLSv1.3`; null over plain text and before the first connection. */
  tlsVersion: string | null
}

/** A place in the chain. */
export class ChainLink {
  readonly name: string
  readonly next: ',' | '|'
  /** Null for `off`. */
  readonly origin: ModuleOrigin | null
  private readonly http: HttpFiles | null
  private readonly counts = { found: 0, notFound: 0, failed: 0 }

  constructor(name: string, next: ',' | '|', origin: ModuleOrigin | null, http: HttpFiles | null) {
    this.name = name
    this.next = next
    this.origin = origin
    this.http = http
  }

  /** It speaks the GOPROXY protocol; null for `direct` and `off`. */
  get proxy(): ProxyOrigin | null {
    return this.origin instanceof ProxyOrigin ? this.origin : null
  }

  get facts(): ChainMember {
    const { name, next, counts, http } = this
    return { name, next, ...counts, health: http?.health.facts ?? null, tlsVersion: http?.tlsVersion ?? null }
  }

  found(): void {
    this.counts.found++
  }

  failed(error: TurnpikeError): void {
    if (isAbsence(error)) this.counts.notFound++
    else this.counts.failed++
  }
}

/** 404 and 410 mean "does not exist", and nothing else does (G9). */
export function isAbsence({ status }: TurnpikeError): boolean {
  return status === 404 || status === 410
}
