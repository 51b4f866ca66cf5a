import { FileText } from '../core/file-text.ts'
import { Secret } from '../core/secret.ts'

/**
 * Everything that a checked value says, as text: equal where it behaves alike. Files count by what stands in
 * them, wherever they lie. Secrets count by their value unless `found` takes them; the text is to be hashed, never shown.
 */
export function contentText(value: unknown, found?: (secret: Secret) => void): string {
  function inFull(this: Record<string, unknown>, key: string, shown: unknown): unknown {
    // `shown` is what toJSON has made of it.
    const each = this[key]
    if (each instanceof FileText) return each.text
    if (!(each instanceof Secret)) return shown
    if (found === undefined) return each.reveal()
    found(each)
    return shown
  }
  return JSON.stringify(value, inFull) ?? ''
}
