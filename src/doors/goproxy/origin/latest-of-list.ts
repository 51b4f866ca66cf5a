import { isPseudoVersion, pseudoVersionTime } from '../../../gomod/pseudo-version.ts'
import { compareVersions, isCanonical, parseVersion } from '../../../gomod/version.ts'

/**
 * The version that a member without `@latest` means, by its list: the highest release, else the highest prerelease, else
 * the pseudo-version made last (G12; cmd/go/internal/modfetch latestFromList). Null where it has none.
 */
export function latestOfList(list: string): string | null {
  const versions = list.split('\n').map((line) => line.trim().split(/\s+/, 1)[0]!)
  const tags = versions.filter((version) => isCanonical(version) && !isPseudoVersion(version))
  const releases = tags.filter((version) => parseVersion(version)!.prerelease === '')
  const highest = (releases.length > 0 ? releases : tags).toSorted(compareVersions).at(-1)
  if (highest !== undefined) return highest
  const pseudo = versions.map((version) => ({ version, timeMs: pseudoVersionTime(version) ?? -1 }))
  const last = pseudo
    .filter(({ timeMs }) => timeMs >= 0)
    .toSorted((a, b) => a.timeMs - b.timeMs)
    .at(-1)
  return last === undefined ? null : last.version
}
