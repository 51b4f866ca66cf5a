import { foldName } from './fold-name.ts'
import { ModuleZipError } from './module-zip-error.ts'

interface Seen {
  path: string
  isDirectory: boolean
}

/** Finds names that cannot stand side by side on every system (G21; collisionChecker of golang.org/x/mod/zip). */
export class NameCollisions {
  private readonly seen = new Map<string, Seen>()

  /** `path` has no slash at its end. Throws a ModuleZipError. */
  add(path: string, isDirectory: boolean): void {
    const folded = foldName(path)
    const other = this.seen.get(folded)
    if (other !== undefined) {
      if (other.path !== path) {
        const both = `${JSON.stringify(other.path)} and ${JSON.stringify(path)}`
        throw new ModuleZipError(`case-insensitive file name collision: ${both}`)
      }
      if (other.isDirectory !== isDirectory) {
        throw new ModuleZipError(`entry ${JSON.stringify(path)} is both a file and a directory`)
      }
      if (!isDirectory) throw new ModuleZipError(`multiple entries for file ${JSON.stringify(path)}`)
      // Its own folders were looked at when it came first.
      return
    }
    this.seen.set(folded, { path, isDirectory })
    const slash = path.lastIndexOf('/')
    if (slash !== -1) this.add(path.slice(0, slash), true)
  }
}
