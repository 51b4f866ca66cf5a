import { checkPathElements } from './path-element.ts'
import { escapeUpperCase, unescapeUpperCase } from './upper-case.ts'

/** A module path cut before its major version. */
export interface SplitPath {
  prefix: string
  /** `/v2` and up, gopkg.in's `.v0` and up with or without `-unstable`, or ''. */
  pathMajor: string
}

/**
 * What is wrong with a module path, null where nothing is: the elements of an import path, of which the first is like a
 * domain name, and a major version that is one (x/mod/module CheckPath, G15).
 */
export function checkModulePath(path: string): string | null {
  const wrong = checkPathElements(path, 'module')
  if (wrong !== null) return wrong
  const [first = ''] = path.split('/', 1)
  if (!first.includes('.')) return 'missing dot in first path element'
  const other = /[^a-z0-9.-]/.exec(first)
  if (other !== null) return `invalid char ${JSON.stringify(other[0])} in first path element`
  return splitPathVersion(path) === null ? 'invalid version' : null
}

/** What is wrong with the path of a package, null where nothing is (x/mod/module CheckImportPath). */
export function checkImportPath(path: string): string | null {
  return checkPathElements(path, 'import')
}

/** What is wrong with the path of a file in a module, null where nothing is (x/mod/module CheckFilePath). */
export function checkFilePath(path: string): string | null {
  return checkPathElements(path, 'file')
}

/**
 * Cuts `/vN` off a module path, or `.vN` in gopkg.in. Null where a major version is there that none can be: `/v0`, `/v1`,
 * `/v02`, `/v1.2`, a gopkg.in path without one (x/mod/module SplitPathVersion).
 */
export function splitPathVersion(path: string): SplitPath | null {
  if (path.startsWith('gopkg.in/')) return splitGopkgIn(path)
  let digits = path.length
  while (digits > 0 && isDigitOrDot(path.charCodeAt(digits - 1))) digits--
  if (digits <= 1 || digits === path.length || !path.startsWith('/v', digits - 2))
    return { prefix: path, pathMajor: '' }
  const pathMajor = path.slice(digits - 2)
  if (pathMajor.includes('.') || pathMajor.startsWith('/v0') || pathMajor === '/v1') return null
  return { prefix: path.slice(0, digits - 2), pathMajor }
}

function splitGopkgIn(path: string): SplitPath | null {
  const end = path.endsWith('-unstable') ? path.length - '-unstable'.length : path.length
  let digits = end
  while (digits > 0 && isDigit(path.charCodeAt(digits - 1))) digits--
  if (digits <= 1 || digits === path.length || !path.startsWith('.v', digits - 2)) return null
  const pathMajor = path.slice(digits - 2)
  if (pathMajor.startsWith('.v0') && pathMajor !== '.v0') return null
  return { prefix: path.slice(0, digits - 2), pathMajor }
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

function isDigitOrDot(code: number): boolean {
  return isDigit(code) || code === 0x2e
}

/** A module path as it stands in URLs and folders: `!a` for `A` (G1). Null where it is no module path. */
export function escapePath(path: string): string | null {
  return checkModulePath(path) === null ? escapeUpperCase(path) : null
}

/** The module path that was escaped. Null where none was: raw upper case, a `!` before no letter, no module path. */
export function unescapePath(escaped: string): string | null {
  const path = unescapeUpperCase(escaped)
  return path !== null && checkModulePath(path) === null ? path : null
}
