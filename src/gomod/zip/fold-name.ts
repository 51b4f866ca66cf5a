/** Upper case of one of these is a letter that does not fold back to it: lower and upper case of Turkish i (CaseFolding.txt, status T). */
const unfolded = new Set(['\u0130', '\u0131'])

/**
 * A text that is the same for two names exactly if they are equal under Unicode's simple case folding, as Go's
 * strings.EqualFold has it: `ſ`, `S` and `s` are one, and so are `K` (Kelvin) and `k`, but `ß` and `SS` are not.
 */
export function foldName(name: string): string {
  // oxlint-disable-next-line no-control-regex -- all of ASCII
  if (/^[\x00-\x7F]*$/.test(name)) return name.toLowerCase()
  let folded = ''
  for (const letter of name)
    folded += unfolded.has(letter) ? letter : single(single(letter, 'toUpperCase'), 'toLowerCase')
  return folded
}

/** Simple folding never makes two letters of one. */
function single(letter: string, change: 'toUpperCase' | 'toLowerCase'): string {
  const changed = letter[change]()
  return changed.length === String.fromCodePoint(changed.codePointAt(0)!).length ? changed : letter
}
