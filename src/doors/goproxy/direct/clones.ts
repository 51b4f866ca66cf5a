import { createHash } from 'node:crypto'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { EngineServices } from '../../../engine/services.ts'
import type { Scope } from '../../../engine/scope.ts'
import { FolderLocks } from '../store/disk/folder-locks.ts'
import { Clone } from './clone.ts'
import type { Git } from './git.ts'
import type { GitRemote } from './git-remote.ts'

const TIDY_EVERY_MS = 3_600_000
/** A clone that nobody needed for so long goes: what was made of it is in the store. */
const UNUSED_MS = 7 * 24 * 3_600_000

/** The clones of one folder, which several processes may use. */
export class Clones {
  private readonly folder: string
  private readonly git: Git
  private readonly services: EngineServices
  private readonly scope: Scope
  private locks: Promise<FolderLocks> | null = null

  /** The folder is made where it is not there. */
  constructor(folder: string, git: Git, services: EngineServices, scope: Scope) {
    this.folder = folder
    this.git = git
    this.services = services
    this.scope = scope
    scope.every(TIDY_EVERY_MS, () => scope.task((signal) => this.tidy(signal)))
  }

  /** Of that remote. Nothing is made or fetched before it is needed. */
  of(remote: GitRemote): Clone {
    const name = `${createHash('sha256').update(remote.url).digest('hex')}.git`
    return new Clone(join(this.folder, name), remote, this.git, (signal, work) => this.exclusively(name, signal, work))
  }

  private async tidy(signal: AbortSignal): Promise<void> {
    for (const name of await readdir(this.folder).catch(() => [])) {
      // A file is what a process that was killed left.
      if (!/\.git(?:\.[\w-]+\.tmp)?$/.test(name)) continue
      const path = join(this.folder, name)
      if (!(await this.isUnused(path))) continue
      await this.exclusively(name, signal, async () => {
        if (await this.isUnused(path)) await rm(path, { recursive: true, force: true })
      })
    }
  }

  private async isUnused(path: string): Promise<boolean> {
    const { mtimeMs } = await stat(path)
    return this.services.world.wallClock() - mtimeMs > UNUSED_MS
  }

  private async exclusively<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    this.locks ??= this.openLocks().catch((error: unknown) => {
      this.locks = null
      throw error
    })
    const locks = await this.locks
    return locks.exclusively(name, work, signal)
  }

  private async openLocks(): Promise<FolderLocks> {
    const folder = join(this.folder, 'locks')
    await mkdir(folder, { recursive: true })
    return new FolderLocks(folder, this.services, this.scope)
  }
}
