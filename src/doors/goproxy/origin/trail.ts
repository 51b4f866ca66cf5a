/** One thing that was tried for an answer. */
export interface Decision {
  /** A member of the chain, `direct`, `sumdb`, `store`. */
  by: string
  /** A status, or a cause code. */
  outcome: string
  tookMs: number
}

/** What was tried for one answer, in order: for the access log, and the memory of `/api`. */
export class Trail {
  readonly decisions: Decision[] = []

  add(by: string, outcome: string, tookMs: number): void {
    this.decisions.push({ by, outcome, tookMs })
  }

  /** One line: `https://a.example 502 3ms, direct 200 41ms`. */
  toString(): string {
    return this.decisions.map(({ by, outcome, tookMs }) => `${by} ${outcome} ${tookMs.toFixed(0)}ms`).join(', ')
  }
}
