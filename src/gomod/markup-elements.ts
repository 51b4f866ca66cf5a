/** A tag, or the place beyond which the text cannot be read. Namespaces are off the names. */
export type MarkupElement =
  | { kind: 'start'; name: string; attributes: [name: string, value: string][] }
  | { kind: 'end'; name: string }
  | { kind: 'broken'; problem: string }

/** Carries what is wrong out of the reader. */
class Broken extends Error {}

/**
 * The tags of a page, read as Go's `encoding/xml` reads them when it is not strict: what the go command understands of a page
 * depends on it. So a `<` in a script ends the reading. Lazy, linear; `broken` comes last.
 */
export function* markupElements(text: string): Generator<MarkupElement, void, void> {
  const reader = new MarkupReader(text)
  try {
    while (!reader.atEnd) {
      const element = reader.next()
      if (element === null) continue
      yield element
      if (element.kind === 'start' && reader.closed) yield { kind: 'end', name: element.name }
    }
  } catch (error) {
    if (!(error instanceof Broken)) throw error
    yield { kind: 'broken', problem: error.message }
  }
}

class MarkupReader {
  readonly #text: string
  #at = 0
  /** Whether the last element that began ended with it: `<a/>`. */
  closed = false

  constructor(text: string) {
    this.#text = text
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length
  }

  /** What comes next; null for what is no tag. */
  next(): MarkupElement | null {
    if (this.#text[this.#at] !== '<') return this.#skipText()
    this.#at++
    switch (this.#peek()) {
      case '/':
        return this.#endTag()
      case '?':
        return this.#skipInstruction()
      case '!':
        return this.#skipDeclaration()
      default:
        return this.#startTag()
    }
  }

  #skipText(): null {
    const next = this.#text.indexOf('<', this.#at)
    const end = next < 0 ? this.#text.length : next
    this.#decode(end, true)
    return null
  }

  #endTag(): MarkupElement {
    this.#at++
    const name = this.#name('an end tag has no name')
    this.#skipSpace()
    if (this.#peek() !== '>') throw new Broken(`something stands in </${name}>`)
    this.#at++
    return { kind: 'end', name }
  }

  #startTag(): MarkupElement {
    const name = this.#name('a < is no tag')
    const attributes: [string, string][] = []
    for (;;) {
      this.#skipSpace()
      const character = this.#peek()
      if (character === '>' || character === '/') {
        this.closed = character === '/'
        this.#at++
        if (this.closed && this.#text[this.#at++] !== '>') throw new Broken(`a / stands in <${name}>`)
        return { kind: 'start', name, attributes }
      }
      const attribute = this.#name(`<${name}> has an attribute without a name`)
      this.#skipSpace()
      if (this.#peek() !== '=') {
        attributes.push([attribute, attribute])
        continue
      }
      this.#at++
      this.#skipSpace()
      attributes.push([attribute, this.#attributeValue()])
    }
  }

  #attributeValue(): string {
    const quote = this.#peek()
    if (quote !== '"' && quote !== "'") {
      const start = this.#at
      while (/[A-Za-z0-9_:-]/.test(this.#peek())) this.#at++
      return this.#text.slice(start, this.#at)
    }
    this.#at++
    const close = this.#text.indexOf(quote, this.#at)
    const end = close < 0 ? this.#text.length : close
    const value = this.#decode(end, false)
    this.#at = Math.min(end + 1, this.#text.length)
    return value
  }

  /** Text up to `end` with its entities replaced. Unknown ones stay as they are. */
  #decode(end: number, outside: boolean): string {
    const raw = this.#text.slice(this.#at, end)
    if (outside && raw.includes(']]>')) throw new Broken(']]> stands in the text')
    if (!outside && raw.includes('<')) throw new Broken('a < stands in an attribute')
    if (end === this.#text.length && cutEntity.test(raw)) throw new Broken('it ends in the middle of an entity')
    this.#at = end
    const decoded = raw
      .replace(/\r\n?/g, '\n')
      .replace(/&(?:#[0-9]+|#x[0-9A-Fa-f]+|lt|gt|amp|apos|quot);/g, decodeEntity)
    if (notOfXml.test(decoded)) throw new Broken(foreign)
    return decoded
  }

  #skipInstruction(): null {
    this.#at++
    const target = this.#rawName()
    if (target === '') throw new Broken('an instruction has no name')
    this.#skipSpace()
    const start = this.#at
    const end = this.#text.indexOf('?>', start)
    if (end < 0) throw new Broken('an instruction does not end')
    this.#at = end + 2
    if (target === 'xml') checkDeclaration(this.#text.slice(start, end))
    return null
  }

  #skipDeclaration(): null {
    this.#at++
    if (this.#text.startsWith('--', this.#at)) {
      const dashes = this.#text.indexOf('--', this.#at + 2)
      if (dashes < 0) throw new Broken('a comment does not end')
      if (this.#text[dashes + 2] !== '>') throw new Broken('-- stands in a comment')
      this.#at = dashes + 3
    } else if (this.#text.startsWith('[CDATA[', this.#at)) {
      const end = this.#text.indexOf(']]>', this.#at + 7)
      if (end < 0) throw new Broken('a CDATA section does not end')
      if (notOfXml.test(this.#text.slice(this.#at, end))) throw new Broken(foreign)
      this.#at = end + 3
    } else if (this.#peek() === '-' || this.#peek() === '[') {
      throw new Broken('a <! is no declaration')
    } else {
      this.#skipDirective()
    }
    return null
  }

  /** `<!DOCTYPE …>`, with tags, comments and quoted text inside. */
  #skipDirective(): void {
    let depth = 0
    for (this.#at++; ; this.#at++) {
      const character = this.#peek()
      if (character === '"' || character === "'") {
        const close = this.#text.indexOf(character, this.#at + 1)
        this.#at = close < 0 ? this.#text.length : close
      } else if (this.#text.startsWith('<!--', this.#at)) {
        const end = this.#text.indexOf('-->', this.#at + 4)
        this.#at = end < 0 ? this.#text.length : end + 2
      } else if (character === '<') {
        depth++
      } else if (character === '>' && depth-- === 0) {
        this.#at++
        return
      }
    }
  }

  /** A name without its namespace. */
  #name(problem: string): string {
    const raw = this.#rawName()
    if (raw === '') throw new Broken(problem)
    const parts = raw.split(':')
    if (parts.length > 2) throw new Broken(problem)
    const [space, local] = parts
    return space !== '' && local !== undefined && local !== '' ? local : raw
  }

  #rawName(): string {
    const start = this.#at
    while (/[A-Za-z0-9_:.\u0080-\uffff-]/.test(this.#peek())) this.#at++
    const name = this.#text.slice(start, this.#at)
    if (name !== '' && !/^[\p{L}_:][\p{L}\p{N}\p{M}_:.\u00b7-]*$/u.test(name)) throw new Broken('a name is none')
    return name
  }

  #skipSpace(): void {
    while (' \r\n\t'.includes(this.#text[this.#at] ?? '-')) this.#at++
  }

  #peek(): string {
    const character = this.#text[this.#at]
    if (character === undefined) throw new Broken('it ends in the middle of a tag')
    return character
  }
}

const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', apos: "'", quot: '"' }

const cutEntity = /&(?:#[0-9]*|#x[0-9A-Fa-f]*|[A-Za-z0-9_:.\u0080-\uffff-]*)$/

const foreign = 'a character stands there that no XML has'

/** What the Char production of XML 1.0 leaves out. */
const notOfXml = /[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u

function decodeEntity(entity: string): string {
  const name = entity.slice(1, -1)
  if (!name.startsWith('#')) return named[name]!
  const code = name.startsWith('#x') ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10)
  if (code > 0x10ffff) return entity
  return code >= 0xd800 && code <= 0xdfff ? '\ufffd' : String.fromCodePoint(code)
}

/** `<?xml version="1.0" encoding="utf-8"?>`: what Go refuses of it (discovery.go charsetReader). */
function checkDeclaration(declaration: string): void {
  const version = declarationValue(declaration, 'version')
  if (version !== '' && version !== '1.0') throw new Broken(`XML ${version} is not 1.0`)
  const encoding = declarationValue(declaration, 'encoding').toLowerCase()
  if (encoding !== '' && encoding !== 'utf-8' && encoding !== 'ascii')
    throw new Broken(`its encoding ${JSON.stringify(encoding)} is neither utf-8 nor ascii`)
}

function declarationValue(declaration: string, name: string): string {
  for (let at = 0; ;) {
    const start = declaration.indexOf(`${name}=`, at)
    if (start < 0) return ''
    at = start + name.length + 2
    const quote = declaration[at - 1]
    if (quote === undefined) return ''
    if (quote !== '"' && quote !== "'") continue
    const end = declaration.indexOf(quote, at)
    return end < 0 ? '' : declaration.slice(at, end)
  }
}
