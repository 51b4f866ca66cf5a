import { watch, type FSWatcher } from 'node:fs'
import { readFile, readlink, stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { hashOf, type FileHashes } from './config/file-hashes.ts'
import type { Ledger } from './engine/ledger.ts'
import type { Scope } from './engine/scope.ts'
import type { TimerHandle } from './engine/world.ts'

/** Files that do not change for so long are whole. */
const SETTLE_MS = 100
/** How often a file that is missing or empty is waited for before it is taken for what it is. */
const PATIENCE = 20
/** For file systems that tell nobody, and folders that come back. */
const POLL_MS = 2_000
const MAX_LINKS = 16

/**
 * Looks at the files that a config was read from, and calls `changed` when what stands in one of them is something
 * else. Folders are watched rather than files: editors rename a new file over the old one, and Kubernetes swaps a
 * link to a whole folder. Contents count, not times.
 */
export class ConfigWatch {
  private readonly scope: Scope
  private readonly ledger: Ledger
  private readonly changed: () => void
  private known: FileHashes
  private folders = new Map<string, FSWatcher>()
  /** What the files and what they are links to are called, without their folders. */
  private names = new Set<string>()
  private timer: TimerHandle | null = null
  /** What the files looked like at the last look, and when they were compared last. */
  private seen = ''
  private compared = ''
  private patience = PATIENCE
  private closed = false

  /** `files`: as they were read. It ends with `scope`. */
  constructor(files: FileHashes, scope: Scope, ledger: Ledger, changed: () => void) {
    this.known = files
    this.scope = scope
    this.ledger = ledger
    this.changed = changed
    scope.use({ [Symbol.dispose]: () => this.close() })
    scope.every(POLL_MS, () => this.soon())
    this.soon()
  }

  /** Other files, or the same as they were read again. */
  follow(files: FileHashes): void {
    this.known = files
    this.compared = ''
    this.soon()
  }

  private readonly soon = (): void => {
    if (this.timer !== null || this.closed) return
    this.timer = this.scope.after(SETTLE_MS, () => this.scope.task(() => this.look()))
  }

  private async look(): Promise<void> {
    const paths = [...this.known.keys()]
    await this.watchFolders(paths)
    const marks = await Promise.all(paths.map(markOf))
    this.timer = null
    const now = marks.join('\n')
    if (now !== this.seen) {
      this.seen = now
      return this.soon()
    }
    if (now === this.compared) return
    // A file that is being replaced is missing for a moment; one that is being written begins empty.
    if (marks.some((mark, index) => isBlank(mark) && this.known.get(paths[index]!) !== '') && this.patience-- > 0) {
      return this.soon()
    }
    this.patience = PATIENCE
    this.compared = now
    const hashes = await Promise.all(paths.map(hashAt))
    if (this.closed || paths.every((path, index) => this.known.get(path) === hashes[index])) return
    this.known = new Map(paths.map((path, index) => [path, hashes[index]!]))
    this.changed()
  }

  private async watchFolders(paths: readonly string[]): Promise<void> {
    const places = (await Promise.all(paths.map(placesOf))).flat()
    const wanted = new Set(places.map((place) => dirname(place)))
    this.names = new Set(places.map((place) => basename(place)))
    if (this.closed) return
    for (const [folder, watcher] of this.folders) if (!wanted.has(folder)) this.drop(folder, watcher)
    for (const folder of wanted) if (!this.folders.has(folder)) this.add(folder)
  }

  private add(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, (event, name) => {
        // A log that is written beside the config is no change of it. Links are swapped by renaming.
        if (event === 'rename' || name === null || this.names.has(name)) this.soon()
      })
      this.ledger.enter('watches')
      this.folders.set(folder, watcher)
      // Such as of a folder that was removed: polling goes on, and watches it again when it is back.
      watcher.on('error', () => this.drop(folder, watcher))
      // What happened before it was watched.
      this.seen = ''
      this.soon()
    } catch {
      // It is not there, or there are too many watches: polling sees to it.
    }
  }

  private drop(folder: string, watcher: FSWatcher): void {
    if (!this.folders.delete(folder)) return
    watcher.close()
    this.ledger.strike('watches')
  }

  private close(): void {
    this.closed = true
    for (const [folder, watcher] of this.folders) this.drop(folder, watcher)
  }
}

/** Where a file stands, and all that it is a link to. */
async function placesOf(path: string): Promise<string[]> {
  const places: string[] = []
  let at = path
  for (let links = 0; links < MAX_LINKS; links++) {
    places.push(at)
    // A folder on the way may be a link too, as Kubernetes' `..data`.
    const target = (await linkAt(at)) ?? (await folderLink(at))
    if (target === null) break
    at = target
  }
  return places
}

async function linkAt(path: string): Promise<string | null> {
  const target = await readlink(path).catch(() => null)
  return target === null ? null : resolve(dirname(path), target)
}

/** The same file by what its folder is a link to. */
async function folderLink(path: string): Promise<string | null> {
  const folder = dirname(path)
  if (folder === path) return null
  const target = await linkAt(folder)
  return target === null ? null : resolve(target, path.slice(folder.length + 1))
}

/** Differs where a file is another one, or was written to. */
async function markOf(path: string): Promise<string> {
  const facts = await stat(path, { bigint: true }).catch(() => null)
  return facts === null ? 'none' : `${facts.size} ${facts.dev} ${facts.ino} ${facts.mtimeNs} ${facts.ctimeNs}`
}

function isBlank(mark: string): boolean {
  return mark === 'none' || mark.startsWith('0 ')
}

async function hashAt(path: string): Promise<string> {
  return await readFile(path).then(hashOf, () => '')
}
