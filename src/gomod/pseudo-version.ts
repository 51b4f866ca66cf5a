import { parseVersion, type Version } from './version.ts'

interface PseudoVersion {
  /** What stands before the time: `v1.2.4-0`, `v1.2.3-rc.1.0`, `v1.0.0`. */
  base: string
  version: Version
  /** `yyyymmddhhmmss` */
  timestamp: string
  revision: string
}

/** What stands before the revision in `v1.2.4-0.TIME-REVISION` and `v1.2.3-rc.1.0.TIME-REVISION` (G17). */
const afterTag = /(?:^|\.)0\.[0-9]{14}$/
/** The same in `v1.0.0-TIME-REVISION`. */
const withoutTag = /^[0-9]{14}$/

/** Whether a version is made of a commit rather than a tag: any of the three shapes (G17). */
export function isPseudoVersion(version: string): boolean {
  return parsePseudoVersion(version) !== null
}

/**
 * The pseudo-version of a commit. `major`, such as `v2`, counts where `olderTag` is no version; `''` stands for `v0`.
 * `revision` is the first 12 hex digits of the commit. `+incompatible` of the tag stays.
 */
export function pseudoVersion(major: string, olderTag: string, timeMs: number, revision: string): string {
  const segment = `${new Date(timeMs).toISOString().replace(/\..*$/, '').replace(/[-:T]/g, '')}-${revision}`
  const older = parseVersion(olderTag)
  if (older === null) return `${major || 'v0'}.0.0-${segment}`
  const core = `v${older.major}.${older.minor}`
  if (older.prerelease !== '') return `${core}.${older.patch}${older.prerelease}.0.${segment}${older.build}`
  return `${core}.${BigInt(older.patch) + 1n}-0.${segment}${older.build}`
}

/** When its commit was made, in ms since 1970. Null where it is no pseudo-version, or that is no time. */
export function pseudoVersionTime(version: string): number | null {
  const parsed = parsePseudoVersion(version)
  if (parsed === null) return null
  const text = parsed.timestamp.replace(/^(....)(..)(..)(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6.000Z')
  const timeMs = Date.parse(text)
  // The 30th of February would be read as a day of March.
  return !Number.isNaN(timeMs) && new Date(timeMs).toISOString() === text ? timeMs : null
}

/** The tag that it comes after, '' where there is none. Null where it is no pseudo-version, or comes after no tag that could be. */
export function pseudoVersionBase(version: string): string | null {
  const parsed = parsePseudoVersion(version)
  if (parsed === null) return null
  const { base, version: parts } = parsed
  if (withoutTag.test(beforeRevision(parts))) return parts.build === '' ? '' : null
  if (base === `v${parts.major}.${parts.minor}.${parts.patch}-0`)
    return parts.patch === '0' ? null : `v${parts.major}.${parts.minor}.${BigInt(parts.patch) - 1n}${parts.build}`
  return base.slice(0, -'.0'.length) + parts.build
}

/** The revision in it, 12 hex digits as a rule. Null where it is no pseudo-version. */
export function pseudoVersionRevision(version: string): string | null {
  return parsePseudoVersion(version)?.revision ?? null
}

function parsePseudoVersion(text: string): PseudoVersion | null {
  const version = parseVersion(text)
  if (version === null || version.missing !== '') return null
  const revision = version.prerelease.slice(version.prerelease.lastIndexOf('-') + 1)
  const before = beforeRevision(version)
  if (!/^[0-9A-Za-z]+$/.test(revision)) return null
  const untagged = version.minor === '0' && version.patch === '0' && withoutTag.test(before)
  if (!untagged && !afterTag.test(before)) return null
  const timestamp = before.slice(-14)
  const base = text.slice(0, text.length - version.build.length - revision.length - 1 - 14 - 1)
  return { base, version, timestamp, revision }
}

/** The prerelease without its first `-` and without the last `-` and what is behind it; '' where there is no other. */
function beforeRevision({ prerelease }: Version): string {
  const dash = prerelease.lastIndexOf('-')
  return dash <= 0 ? '' : prerelease.slice(1, dash)
}
