import { checkPathElement } from './path-element.ts'
import { escapeUpperCase, unescapeUpperCase } from './upper-case.ts'

/** A semantic version in its parts, all of them text: numbers have no bound. */
export interface Version {
  major: string
  minor: string
  patch: string
  /** With its `-`, or ''. */
  prerelease: string
  /** With its `+`, or ''. */
  build: string
  /** `.0.0` of a bare `v1` and `.0` of `v1.2`: what it lacks to be canonical. */
  missing: string
}

const number = '(0|[1-9][0-9]*)'
const pattern = new RegExp(`^v${number}(?:\\.${number}(?:\\.${number}(-[0-9A-Za-z.-]+)?(\\+[0-9A-Za-z.-]+)?)?)?$`)

/** A semantic version with its `v`, or a bare `v1` or `v1.2`. Null for other text (x/mod/semver). */
export function parseVersion(text: string): Version | null {
  const match = pattern.exec(text)
  if (match === null) return null
  const [, major = '', minor, patch, prerelease = '', build = ''] = match
  if (!identifiersAre(prerelease, isPrereleaseIdentifier) || !identifiersAre(build, isIdentifier)) return null
  const missing = patch !== undefined ? '' : minor === undefined ? '.0.0' : '.0'
  return { major, minor: minor ?? '0', patch: patch ?? '0', prerelease, build, missing }
}

function identifiersAre(suffix: string, good: (identifier: string) => boolean): boolean {
  return suffix === '' || suffix.slice(1).split('.').every(good)
}

function isIdentifier(identifier: string): boolean {
  return identifier !== ''
}

function isPrereleaseIdentifier(identifier: string): boolean {
  return identifier !== '' && !/^0[0-9]+$/.test(identifier)
}

/**
 * Less than 0 where `a` comes before `b` (semver.org 2.0.0 §11). Build metadata is not looked at; what is no version comes
 * before all versions.
 */
export function compareVersions(a: string, b: string): number {
  return compareParsed(parseVersion(a), parseVersion(b))
}

function compareParsed(a: Version | null, b: Version | null): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null)
  return (
    compareNumbers(a.major, b.major) ||
    compareNumbers(a.minor, b.minor) ||
    compareNumbers(a.patch, b.patch) ||
    comparePrereleases(a.prerelease, b.prerelease)
  )
}

/** A sorted copy, each version once read; those that compare equal stand in the order of their text (semver.Sort). */
export function sortVersions(versions: Iterable<string>): string[] {
  return Array.from(versions, (text) => ({ text, parsed: parseVersion(text) }))
    .toSorted((a, b) => compareParsed(a.parsed, b.parsed) || compareText(a.text, b.text))
    .map(({ text }) => text)
}

function comparePrereleases(a: string, b: string): number {
  if (a === b) return 0
  if (a === '' || b === '') return a === '' ? 1 : -1
  const left = a.slice(1).split('.')
  const right = b.slice(1).split('.')
  for (const [index, identifier] of left.entries()) {
    const other = right[index]
    if (other === undefined) return 1
    const order = compareIdentifiers(identifier, other)
    if (order !== 0) return order
  }
  return -1
}

function compareIdentifiers(a: string, b: string): number {
  const numeric = /^[0-9]+$/.test(a)
  if (numeric !== /^[0-9]+$/.test(b)) return numeric ? -1 : 1
  return numeric ? compareNumbers(a, b) : compareText(a, b)
}

/** Of numbers without leading zeros. */
function compareNumbers(a: string, b: string): number {
  return a.length - b.length || compareText(a, b)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** `v1.2.0` of `v1.2` and of `v1.2.0+meta`; `+incompatible` alone stays (G16). Null where it is no version. */
export function canonicalVersion(text: string): string | null {
  const version = parseVersion(text)
  if (version === null) return null
  const { build, missing } = version
  if (build === '' || build === '+incompatible') return text + missing
  return text.slice(0, -build.length)
}

/** Whether it is written as versions of modules are: in full, and without build metadata but `+incompatible`. */
export function isCanonical(version: string): boolean {
  return canonicalVersion(version) === version
}

/** What is wrong with a version under a path with this major version, null where nothing is (G15, G16). */
export function checkPathMajor(version: string, pathMajor: string): string | null {
  const parsed = parseVersion(version)
  const major = parsed === null ? '' : `v${parsed.major}`
  if (pathMajor === '') {
    if (major === 'v0' || major === 'v1' || parsed?.build === '+incompatible') return null
    return `should be v0 or v1, not ${major}`
  }
  const wanted = majorOfPath(pathMajor)
  // gopkg.in's .v1 once had pseudo-versions of v0, and go.mod files still name them.
  if (major === wanted || (pathMajor.startsWith('.v1') && wanted === 'v1' && version.startsWith('v0.0.0-'))) return null
  return `should be ${wanted}, not ${major}`
}

/** `v2` of `/v2`, of `.v2` and of `.v2-unstable`; '' where the path has no major version. */
export function majorOfPath(pathMajor: string): string {
  return pathMajor.slice(1).replace(/-unstable$/, '')
}

/** A version or a query as it stands in URLs and folders (G1). Null where no file can be called that. */
export function escapeVersion(version: string): string | null {
  if (checkPathElement(version, 'file') !== null || /[!\P{ASCII}]/u.test(version)) return null
  return escapeUpperCase(version)
}

/** The version or query that was escaped. Null where none was. */
export function unescapeVersion(escaped: string): string | null {
  const version = unescapeUpperCase(escaped)
  return version !== null && checkPathElement(version, 'file') === null ? version : null
}
