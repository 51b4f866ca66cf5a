/**
 * The text that every path begins with in which the expression finds itself; '' where none can be
 * told. Errs on the short side: it decides only which expressions are tried.
 */
export function literalPrefix(source: string): string {
  if (!source.startsWith('^') || hasTopLevelAlternative(source)) return ''
  let prefix = ''
  let at = 1
  while (at < source.length) {
    const escaped = source[at] === '\\'
    const literal = source[escaped ? at + 1 : at]
    if (literal === undefined || (escaped ? /\w/ : /[.^$|()[\]{}?*+]/).test(literal)) break
    const next = at + (escaped ? 2 : 1)
    // A quantifier belongs to the last character, which then may be absent.
    if (/[?*+{]/.test(source[next] ?? '')) break
    prefix += literal
    at = next
  }
  return prefix.startsWith('/') ? prefix : ''
}

function hasTopLevelAlternative(source: string): boolean {
  let depth = 0
  for (let at = 0; at < source.length; at++) {
    const character = source[at]!
    if (character === '\\') {
      // \Q…\E can hide anything: nothing is claimed.
      if (source[++at] === 'Q') return true
    } else if (character === '[') {
      const end = /^\[\^?\]?(?:\\.|[^\]\\[])*\]/.exec(source.slice(at))
      // A class within a class, as in [[:alpha:]]: nothing is claimed.
      if (end === null) return true
      at += end[0].length - 1
    } else if (character === '(') depth++
    else if (character === ')') depth--
    else if (character === '|' && depth === 0) return true
  }
  return false
}
