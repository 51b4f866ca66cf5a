/** Texts of `Accept-Encoding` whose answer is kept: there are few in use. */
const KEPT_ANSWERS = 256

/** Chooses a content coding by `Accept-Encoding` (RFC 9110 §12.5.3). */
export class EncodingChoice<Coding extends string> {
  private readonly offered: readonly Coding[]
  private readonly answers = new Map<string, Coding | null>()

  /** `offered`: in order of preference. */
  constructor(offered: readonly Coding[]) {
    this.offered = offered
  }

  /** What the client likes best of what is offered; null where it likes the body as it is no less. */
  of(acceptEncoding: string): Coding | null {
    const kept = this.answers.get(acceptEncoding)
    if (kept !== undefined) return kept
    const answer = this.choose(acceptEncoding)
    if (this.answers.size >= KEPT_ANSWERS) this.answers.clear()
    this.answers.set(acceptEncoding, answer)
    return answer
  }

  private choose(acceptEncoding: string): Coding | null {
    const weights = new Map<string, number>()
    for (const each of acceptEncoding.toLowerCase().split(',')) {
      const [coding = '', ...parameters] = each.split(';').map((part) => part.trim())
      if (coding !== '') weights.set(coding === 'x-gzip' ? 'gzip' : coding, weightOf(parameters))
    }
    const others = weights.get('*') ?? 0
    // Unnamed, it is acceptable, and less so than anything that was asked for.
    let most = weights.get('identity') ?? 0
    let best: Coding | null = null
    for (const coding of this.offered) {
      const weight = weights.get(coding) ?? others
      if (weight > most || (best === null && weight === most && weight > 0)) {
        most = weight
        best = coding
      }
    }
    return best
  }
}

/** RFC 9110 §12.4.2; what cannot be read as a weight means that the coding is not wanted. */
function weightOf(parameters: readonly string[]): number {
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
  if (weight === undefined) return 1
  return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Number(weight) : 0
}
