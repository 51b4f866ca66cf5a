import { FileText } from '../core/file-text.ts'
import { Secret } from '../core/secret.ts'

/**
 * Everything that a checked value says, as text: equal where it behaves alike. Files count by what stands in
 * them, wherever they lie, and secrets by their value: the text itself is to be hashed, never shown.
 */
export function contentText(value: unknown): string {
  return JSON.stringify(value, inFull) ?? ''
}

function inFull(this: Record<string, unknown>, key: string, shown: unknown): unknown {
  // `shown` is what toJSON has made of it.
  const value = this[key]
  if (value instanceof FileText) return value.text
  if (value instanceof Secret) return value.reveal()
  return shown
}
