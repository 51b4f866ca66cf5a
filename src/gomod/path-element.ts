/** What a path is for: the three differ in the characters they may have. */
export type PathKind = 'module' | 'import' | 'file'

/** Device names that Windows gives no file, whatever follows the first dot. */
const windowsNames = /^(?:con|prn|aux|nul|com[1-9]|lpt[1-9])$/

/** A character that may not stand there. File names have what has no meaning to shells and file systems. */
const forbidden: Readonly<Record<PathKind, RegExp>> = {
  module: /[^A-Za-z0-9._~-]/u,
  import: /[^A-Za-z0-9._~+-]/u,
  file: /[^\p{L}0-9!#$%&()+,.=@[\]^_{}~ -]/u,
}

/** What is wrong with one element of a path, null where nothing is (x/mod/module checkElem). */
export function checkPathElement(element: string, kind: PathKind): string | null {
  if (element === '') return 'empty path element'
  if (/^\.+$/.test(element)) return `invalid path element ${JSON.stringify(element)}`
  if (kind === 'module' && element.startsWith('.')) return 'leading dot in path element'
  if (element.endsWith('.')) return 'trailing dot in path element'
  const wrong = forbidden[kind].exec(element)
  if (wrong !== null) return `invalid char ${JSON.stringify(wrong[0])}`
  const dot = element.indexOf('.')
  const stem = dot < 0 ? element : element.slice(0, dot)
  if (windowsNames.test(stem.toLowerCase()))
    return `${JSON.stringify(stem)} disallowed as path element component on Windows`
  // Windows' short names, `PROGRA~1`, are aliases of others.
  if (kind !== 'file' && endsInTildeAndDigits(stem)) return 'trailing tilde and digits in path element'
  return null
}

/** What is wrong with the elements of a path and what is between them, null where nothing is. */
export function checkPathElements(path: string, kind: PathKind): string | null {
  if (!path.isWellFormed()) return 'invalid UTF-8'
  if (path === '') return 'empty string'
  if (path.startsWith('-') && kind !== 'file') return 'leading dash'
  if (path.includes('//')) return 'double slash'
  if (path.endsWith('/')) return 'trailing slash'
  for (const element of path.split('/')) {
    const wrong = checkPathElement(element, kind)
    if (wrong !== null) return wrong
  }
  return null
}

function endsInTildeAndDigits(stem: string): boolean {
  const tilde = stem.lastIndexOf('~')
  return tilde >= 0 && /^[0-9]+$/.test(stem.slice(tilde + 1))
}
