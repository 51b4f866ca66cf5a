import { foldName } from './fold-name.ts'
import { ModuleZipError } from './module-zip-error.ts'
import { ENTRY_LIMIT } from './zip-limits.ts'

interface Seen {
  path: string
  isDirectory: boolean
}

/** Files, and the folders that they are in. */
const SEEN_LIMIT = 2 * ENTRY_LIMIT

/** Finds names that cannot stand side by side on every system (G21; collisionChecker of golang.org/x/mod/zip). */
export class NameCollisions {
  private readonly seen = new Map<string, Seen>()

  /** `path` has no slash at its end. Throws a ModuleZipError. */
  add(path: string, isDirectory: boolean): void {
    let name = path
    let folded = foldName(path)
    let isFolder = isDirectory
    for (;;) {
      const other = this.seen.get(folded)
      if (other !== undefined) {
        checkSame(other, name, isFolder)
        // Its own folders were looked at when it came first.
        return
      }
      if (this.seen.size >= SEEN_LIMIT) throw new ModuleZipError(`more than ${SEEN_LIMIT} files and folders`, true)
      this.seen.set(folded, { path: name, isDirectory: isFolder })
      const slash = name.lastIndexOf('/')
      if (slash === -1) return
      name = name.slice(0, slash)
      folded = folded.slice(0, folded.lastIndexOf('/'))
      isFolder = true
    }
  }
}

function checkSame(other: Seen, path: string, isDirectory: boolean): void {
  if (other.path !== path) {
    const both = `${JSON.stringify(other.path)} and ${JSON.stringify(path)}`
    throw new ModuleZipError(`case-insensitive file name collision: ${both}`)
  }
  if (other.isDirectory !== isDirectory) {
    throw new ModuleZipError(`entry ${JSON.stringify(path)} is both a file and a directory`)
  }
  if (!isDirectory) throw new ModuleZipError(`multiple entries for file ${JSON.stringify(path)}`)
}
