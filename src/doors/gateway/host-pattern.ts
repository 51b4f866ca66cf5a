/**
 * Which hosts a route is for: `api.example.com`, `*.example.com` (one or more labels in the star's
 * place, never none), or any. Case, a trailing dot and the port play no part.
 */
export class HostPattern {
  /** As shown to people: '' for any host. */
  readonly text: string
  /** The exact name, or what follows the star with its dot; '' for any. Lower case. */
  readonly name: string
  readonly wildcard: boolean
  /** 0 any, then wildcards by their labels, then exact names: a higher one wins. */
  readonly rank: number

  constructor(text: string | undefined) {
    const name = (text ?? '').toLowerCase().replace(/\.$/, '')
    this.text = text ?? ''
    this.wildcard = name.startsWith('*.')
    this.name = this.wildcard ? name.slice(1) : name
    this.rank = name === '' ? 0 : this.wildcard ? this.name.split('.').length : Number.MAX_SAFE_INTEGER
  }

  /** Whether a request for `host` (lower case, without port and trailing dot) is meant. */
  matches(host: string): boolean {
    if (this.name === '') return true
    return this.wildcard ? host.length > this.name.length && host.endsWith(this.name) : host === this.name
  }

  /** Whether every host of `other` is one of these. */
  covers(other: HostPattern): boolean {
    if (!this.wildcard || !other.wildcard) return other.wildcard ? this.name === '' : this.matches(other.name)
    return other.name.endsWith(this.name)
  }
}
