import { redactJson } from './redact-json.ts'
import { isSecretName } from './secret-names.ts'

export const REDACTED = '[redacted]'

/** Fields whose value is a URL, as a whole. */
const urlFields = new Set(['referer', 'location', 'content-location', 'x-original-url', 'x-rewrite-url'])

/** Keeps secrets out of what is written down: in header fields, URLs, forms and JSON. Names stay, values go. */
export class Redaction {
  private readonly names: ReadonlySet<string>
  private readonly off: boolean

  /** `names`: further ones, in any case. `off`: everything stays as it is. */
  constructor(names: readonly string[] = [], off = false) {
    this.names = new Set(names.map((name) => name.toLowerCase()))
    this.off = off
  }

  readonly hides = (name: string): boolean => !this.off && (this.names.has(name.toLowerCase()) || isSecretName(name))

  /** The value of a header field. */
  field(name: string, value: string): string {
    if (this.off) return value
    const lower = name.toLowerCase()
    if (this.names.has(lower)) return REDACTED
    if (lower === 'cookie') return value.replaceAll(/=[^;]*/g, `=${REDACTED}`)
    if (lower === 'set-cookie') return value.replace(/^([^=;]*)=[^;]*/, `$1=${REDACTED}`)
    // The scheme says how a client logs in, and is no secret.
    if (lower === 'authorization' || lower === 'proxy-authorization')
      return value.replace(/^([A-Za-z0-9-]+ )?.*$/, `$1${REDACTED}`)
    if (urlFields.has(lower)) return this.url(value)
    if (lower === 'link' || lower === 'refresh') return value.replaceAll(/[?#][^>\s;,]*/g, (query) => this.query(query))
    return isSecretName(name) ? REDACTED : value
  }

  /** A URL, absolute or not: its credentials, its query and its fragment. */
  url(text: string): string {
    if (this.off) return text
    const at = text.search(/[?#]/)
    const front = (at < 0 ? text : text.slice(0, at)).replace(/^([A-Za-z][A-Za-z0-9+.-]*:\/\/)[^/]*@/, `$1${REDACTED}@`)
    // As in `/cart;jsessionid=1`.
    const path = front.replaceAll(/;([^=;/]+)=([^;/]*)/g, (pair, name: string) =>
      this.hides(decoded(name)) ? `;${name}=${REDACTED}` : pair,
    )
    return at < 0 ? path : path + this.query(text.slice(at))
  }

  /** `a=1&b=2`, with what stands before and between it. */
  query(text: string): string {
    if (this.off) return text
    return text.replaceAll(/([^=&?#;]+)=([^&#;]*)/g, (pair, name: string) =>
      this.hides(decoded(name)) ? `${name}=${REDACTED}` : pair,
    )
  }

  /** A `multipart/form-data` body (RFC 7578), whose parts may be any bytes. */
  multipart(bytes: Buffer, contentType: string): Buffer {
    if (this.off) return bytes
    const delimiter = `\r\n--${/;\s*boundary="?([^";]+)/i.exec(contentType)?.[1] ?? ''}`
    const parts = bytes.toString('latin1').split(delimiter)
    const shown = parts.map((part) => {
      const end = part.indexOf('\r\n\r\n')
      const name = /;\s*name="?([^";\r\n]*)/i.exec(part.slice(0, Math.max(0, end)))?.[1]
      return name !== undefined && this.hides(name) ? `${part.slice(0, end + 4)}${REDACTED}` : part
    })
    return Buffer.from(shown.join(delimiter), 'latin1')
  }

  /** A body of that media type: forms and JSON; others stay as they are. */
  body(text: string, mediaType: string): string {
    if (this.off) return text
    if (mediaType === 'application/x-www-form-urlencoded') return this.query(text)
    return isJson(mediaType) ? redactJson(text, this.hides) : text
  }
}

function isJson(mediaType: string): boolean {
  return /^(?:application|text)\/(?:[\w.-]+\+|x-nd|nd)?json(?:-seq)?$/.test(mediaType)
}

/** As forms write names. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}
