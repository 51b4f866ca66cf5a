/** What a page can tell. */
export interface PageFacts {
  status: string
  /** The reason phrase of the status. */
  reason: string
  /** Cause code, '' where the upstream made the reply. */
  code: string
  requestId: string
}

const placeholder = /\{(status|reason|code|requestId)\}/

/** A page with places that are filled in; what goes there cannot break out of them. */
export class PageText {
  readonly type: string
  /** Text and names of facts by turns. */
  private readonly pieces: readonly string[]
  private readonly escape: (text: string) => string

  constructor(text: string, kind: 'html' | 'json') {
    this.pieces = text.split(placeholder)
    this.type = kind === 'html' ? 'text/html; charset=utf-8' : 'application/json'
    this.escape = kind === 'html' ? escapeHtml : escapeJson
  }

  filled(facts: PageFacts): Buffer {
    const values = new Map(Object.entries(facts))
    return Buffer.from(
      this.pieces.map((piece, index) => (index % 2 === 0 ? piece : this.escape(values.get(piece) ?? ''))).join(''),
      'utf8',
    )
  }
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

function escapeJson(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}
