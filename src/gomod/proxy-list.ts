import { trimSpace } from './white-space.ts'

/** One member of a GOPROXY list. */
export interface ProxyListMember {
  /** `direct`, `off`, or the text of an `https:`, `http:` or `file:` URL. */
  url: string
  /** What makes the go command ask the next one: `,` for 404 and 410 alone, `|` for any error. `,` after the last. */
  next: ',' | '|'
}

/** A GOPROXY list as the go command reads it. */
export interface ProxyList {
  members: ProxyListMember[]
  /** Entries behind `direct` or `off`, which nobody ever reads. */
  unread: string[]
}

/**
 * Reads a GOPROXY list (G10; cmd/go/internal/modfetch proxyList). Throws a RangeError that says what is wrong, without
 * credentials.
 */
export function parseProxyList(text: string): ProxyList {
  const members: ProxyListMember[] = []
  for (let start = 0; start < text.length;) {
    const { entry, next, end } = readEntry(text, start)
    start = end
    if (entry === '') continue
    if (entry === 'direct' || entry === 'off') {
      members.push({ url: entry, next: ',' })
      return { members, unread: entriesOf(text.slice(start)) }
    }
    members.push({ url: memberUrl(entry), next })
  }
  if (members.length === 0) throw new RangeError('the list of module proxies has no entries')
  return { members, unread: [] }
}

function readEntry(text: string, start: number): { entry: string; next: ',' | '|'; end: number } {
  let end = start
  while (end < text.length && text[end] !== ',' && text[end] !== '|') end++
  return { entry: trimSpace(text.slice(start, end)), next: text[end] === '|' ? '|' : ',', end: end + 1 }
}

function entriesOf(text: string): string[] {
  return text
    .split(/[,|]/)
    .map(trimSpace)
    .filter((entry) => entry !== '')
}

function memberUrl(entry: string): string {
  // What has a dot, a colon or a slash and neither a scheme nor a leading slash is a host and maybe a path.
  const url = /[.:/]/.test(entry) && !entry.includes(':/') && !entry.startsWith('/') ? `https://${entry}` : entry
  const shown = withoutCredentials(url)
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(url)?.[1]?.toLowerCase()
  if (scheme === undefined) throw new RangeError(`${JSON.stringify(shown)} is neither direct, off nor a URL`)
  if (!['https', 'http', 'file'].includes(scheme))
    throw new RangeError(`${JSON.stringify(shown)}: the scheme must be https, http or file`)
  // The URL standard reads a host out of `https:/x`, `https:///x` and `https:\x`; Go finds none, or no URL.
  const hasPlace = scheme === 'file' || /^[A-Za-z]+:\/\/[^/?#]/.test(url)
  if (!hasPlace || url.includes('\\') || !URL.canParse(url)) throw new RangeError(`${JSON.stringify(shown)} is no URL`)
  const { host, search, hash } = new URL(url)
  if (scheme === 'file' && (host !== '' || search !== '' || hash !== ''))
    throw new RangeError(`${JSON.stringify(shown)}: a file URL has a path and nothing else`)
  return url
}

/** A URL's text without user and password: safe for messages and logs. */
export function withoutCredentials(url: string): string {
  return url.replace(/^([A-Za-z][A-Za-z0-9+.-]*:\/+)?[^/?#]*@/, '$1')
}
