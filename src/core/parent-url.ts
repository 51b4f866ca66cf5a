const usualPorts = { 'http:': 80, 'https:': 443, 'socks5:': 1080, 'socks4:': 1080 } as const

/** Where a parent is, and how it is spoken to. */
export class ParentUrl {
  readonly kind: 'http' | 'socks5' | 'socks4'
  readonly secure: boolean
  /** A name, or an address without brackets. */
  readonly host: string
  readonly port: number
  private readonly text: string

  constructor(scheme: keyof typeof usualPorts, host: string, port: number, text: string) {
    this.kind = scheme === 'socks5:' ? 'socks5' : scheme === 'socks4:' ? 'socks4' : 'http'
    this.secure = scheme === 'https:'
    this.host = host
    this.port = port
    this.text = text
  }

  /** As typed: what is shown. */
  toJSON(): string {
    return this.text
  }
}

/** Reads `http://`, `https://`, `socks5://` and `socks4://` with a host and a port. Throws a RangeError. */
export function parseParentUrl(text: string): ParentUrl {
  const shown = JSON.stringify(text.replace(/\/\/.*@/s, '//…@'))
  const url = URL.canParse(text) ? new URL(text) : null
  const scheme = url?.protocol
  if (url === null || scheme === undefined || !Object.hasOwn(usualPorts, scheme) || url.hostname === '')
    throw new RangeError(`${shown} is no proxy: write it as in http://proxy.example:3128 or socks5://127.0.0.1:1080`)
  if (url.username !== '' || url.password !== '')
    throw new RangeError(`${shown} holds credentials: write them as \`username\` and \`password\``)
  if ((url.pathname !== '' && url.pathname !== '/') || url.search !== '' || url.hash !== '')
    throw new RangeError(`${shown} holds more than a host and a port`)
  // One of the four, as looked up above.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const known = scheme as keyof typeof usualPorts
  const port = url.port === '' ? usualPorts[known] : Number(url.port)
  return new ParentUrl(known, url.hostname.replace(/^\[(.*)\]$/, '$1'), port, text)
}
