import type { ProxyListMember } from '../../../gomod/proxy-list.ts'

/** What the doctor says about one chain. All of it can be printed: URLs are without credentials. */
export interface ChainReport {
  chain: {
    /** As it was given. */
    text: string
    /** Where it was found: `GOPROXY`, the name of a config file, … */
    source: string
    members: ProxyListMember[]
    /** Entries behind `direct` or `off`. */
    unread: string[]
  }
  /** One for each member, in order. */
  measurements: MemberMeasurement[]
  /** Null where no module was named, or the chain is none. */
  replay: Replay | null
  findings: Finding[]
  /** A chain without what was found, null where there is nothing to change in it. */
  recommended: string | null
}

/** Something that was found out. */
export interface Finding {
  /** `problem`: builds fail or something leaks; `advice`: could be better. */
  level: 'problem' | 'advice'
  /** Stable, for programs: `comma-stops`. */
  code: string
  /** The member, the variable or the module that it is about. */
  about: string
  text: string
  /** What to do. */
  advice: string
}

/** One thing that was measured. */
export interface Measured {
  ok: boolean
  tookMs: number
  /** An address, a TLS version, a status; where it failed, a cause code. */
  said: string
}

/** How one member was found. Null: it does not apply, or could not be tried after what failed before. */
export interface MemberMeasurement {
  member: string
  /** All addresses. */
  dns: Measured | null
  tcp: Measured | null
  /** The handshake alone, with this version and no other. */
  tls12: Measured | null
  tls13: Measured | null
  /** Until the first byte of the reply for `path`, on a connection of its own; `said` is the status. */
  firstByte: Measured | null
  path: string
  /** The same for `/sumdb/NAME/supported`. */
  sumdb: Measured | null
  /** Whether an address of it is public; null where none is known. */
  isPublic: boolean | null
}

/** What the go command would do for one module, step by step. */
export interface Replay {
  module: string
  /** As asked for: a version, a branch, `latest`. */
  query: string
  /** What the query is, null where nobody knew. */
  version: string | null
  steps: ReplayStep[]
  /** Whether it would get all that it needs. */
  succeeds: boolean
}

export interface ReplayStep {
  /** `list`, `@latest`, `.info`, `.mod`, `.zip`, `sumdb`; `git` where direct is asked. */
  wants: string
  member: string
  /** A status, a cause code, a version from git; '' where nobody was asked. */
  said: string
  tookMs: number
  outcome: 'found' | 'absent' | 'failed'
  /** Why it goes on or stops. */
  consequence: string
}
