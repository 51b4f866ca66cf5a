import { Headers } from './headers.ts'
import { knownByName } from './header-names.ts'

export interface FieldChangesInput {
  /** Names, in lower case. */
  remove?: readonly string[]
  /** In place of all of that name. */
  set?: readonly (readonly [name: string, value: string])[]
  /** Beside those of that name. */
  add?: readonly (readonly [name: string, value: string])[]
}

/**
 * The same changes to the fields of many messages. Heads that come again and again are changed once:
 * what came of it is a template for them too, and leaves as the text that it is.
 */
export class FieldChanges {
  private readonly removed: readonly string[]
  private readonly added: readonly (readonly [name: string, value: string])[]
  /** All of them, in lower case. */
  private readonly names: readonly string[]
  /** Held by the template that was changed: gone when that is. */
  private readonly changed = new WeakMap<Headers, Headers>()

  /** Throws ERR_HEADER_SYNTAX for a name or value that would break the message. */
  constructor({ remove = [], set = [], add = [] }: FieldChangesInput) {
    this.removed = [...remove, ...set.map(([name]) => name.toLowerCase())]
    this.added = [...set, ...add]
    this.names = [...new Set([...this.removed, ...this.added.map(([name]) => name.toLowerCase())])]
    Headers.from(this.added)
  }

  /** Nothing would be changed. */
  get empty(): boolean {
    return this.names.length === 0
  }

  apply(headers: Headers): void {
    const template = headers.intact
    if (template === null || this.touchesAdded(headers)) {
      this.change(headers)
      return
    }
    let changed = this.changed.get(template)
    if (changed === undefined) {
      const copy = template.fork()
      this.change(copy)
      changed = readLines(copy.toText())
      this.changed.set(template, changed)
    }
    headers.become(changed)
  }

  private change(headers: Headers): void {
    for (const name of this.removed) headers.delete(name)
    for (const [name, value] of this.added) headers.appendChecked(name, value)
  }

  private touchesAdded(headers: Headers): boolean {
    for (const name of this.names) if (headers.hasAdded(name)) return true
    return false
  }
}

/** Header lines of our own, each ending in CRLF, as if they had been received. */
function readLines(text: string): Headers {
  const fields: number[] = []
  for (let at = 0; at < text.length; at = text.indexOf('\r\n', at) + 2) {
    const colon = text.indexOf(':', at)
    fields.push(at, colon, knownByName(text.slice(at, colon).toLowerCase()))
  }
  return new Headers(text, fields, text.length)
}
