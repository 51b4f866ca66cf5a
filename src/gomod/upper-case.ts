/** Bang-escapes ASCII text, so that no two names differ in case alone (G1). */
export function escapeUpperCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => `!${letter.toLowerCase()}`)
}

/** Takes the bangs out again. Null for what nobody escaped: raw upper case, a `!` before no letter, non-ASCII. */
export function unescapeUpperCase(escaped: string): string | null {
  // eslint-disable-next-line no-control-regex -- every ASCII character but upper case and the bang itself
  if (!/^(?:[\x00-\x20\x22-\x40\x5b-\x7f]|![a-z])*$/.test(escaped)) return null
  return escaped.replace(/!([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
