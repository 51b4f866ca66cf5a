import { TurnpikeError } from '../../../core/error.ts'
import type { Ledger } from '../../../engine/ledger.ts'
import type { Scope } from '../../../engine/scope.ts'
import type { World } from '../../../engine/world.ts'
import { checkModuleZip, type CheckedZip } from '../../../gomod/zip/check-zip.ts'
import { ModuleZipError } from '../../../gomod/zip/module-zip-error.ts'
import type { ZipLimits } from '../../../gomod/zip/zip-limits.ts'
import type { StagedFile } from '../store/staged-file.ts'
import { loopRest } from './loop-rest.ts'
import { ZipCheckThread } from './zip-check-thread.ts'

/** Threads at most. Checking takes some 10 ms a megabyte, downloading it longer. */
const MAX_THREADS = 2

/** What of a staged file a checker looks at. */
export type CheckedFile = Pick<StagedFile, 'size' | 'path' | 'peek'>

/** What a checker works with. */
export interface ZipCheckerParts {
  scope: Scope
  world: World
  ledger: Ledger
}

/**
 * Checks module zips without holding up the event loop: files in threads, which start when they are needed and end when
 * they are not; what is in memory in slices.
 */
export class ZipChecker implements AsyncDisposable {
  private readonly parts: ZipCheckerParts
  private readonly threads = new Set<ZipCheckThread>()
  private readonly idle: ZipCheckThread[] = []
  private readonly waiting: (() => void)[] = []

  constructor(parts: ZipCheckerParts) {
    this.parts = parts
    parts.scope.use(this)
  }

  /**
   * Reads a staged file that has ended, what is held back of it too, and checks it. Rejects with ERR_MODULE_ZIP or
   * ERR_MODULE_TOO_LARGE where it is not the module's, with a ModuleZipError as the cause; ERR_MODULE_STORE where it
   * cannot be read; ERR_DRAINING where the scope ends.
   */
  async check(file: CheckedFile, module: string, version: string, limits: ZipLimits): Promise<CheckedZip> {
    try {
      return file.path === null
        ? await this.checkHere(file, module, version, limits)
        : await this.checkInThread(file.path, module, version, limits)
    } catch (error) {
      if (!(error instanceof ModuleZipError)) throw error
      const code = error.tooLarge ? 'ERR_MODULE_TOO_LARGE' : 'ERR_MODULE_ZIP'
      throw new TurnpikeError(code, { message: `${module}@${version}: ${error.message}`, cause: error })
    }
  }

  private checkHere(file: CheckedFile, module: string, version: string, limits: ZipLimits): Promise<CheckedZip> {
    const { world, scope } = this.parts
    const zip = { size: file.size, read: (into: Buffer, position: number) => file.peek(into, position) }
    return checkModuleZip(zip, module, version, limits, loopRest(world, scope.signal))
  }

  private async checkInThread(path: string, module: string, version: string, limits: ZipLimits): Promise<CheckedZip> {
    const thread = await this.take()
    try {
      return await thread.check({ path, module, version, limits: { zip: limits.zip, mod: limits.mod } })
    } finally {
      this.giveBack(thread)
    }
  }

  private async take(): Promise<ZipCheckThread> {
    for (;;) {
      if (this.parts.scope.signal.aborted) {
        this.waiting.shift()?.()
        throw new TurnpikeError('ERR_DRAINING')
      }
      const thread = this.idle.pop()
      if (thread !== undefined) return thread
      if (this.threads.size < MAX_THREADS) return this.start()
      await new Promise<void>((resolve) => this.waiting.push(resolve))
    }
  }

  private start(): ZipCheckThread {
    const thread = new ZipCheckThread(this.parts, () => {
      this.threads.delete(thread)
      const at = this.idle.indexOf(thread)
      if (at !== -1) this.idle.splice(at, 1)
    })
    this.threads.add(thread)
    return thread
  }

  private giveBack(thread: ZipCheckThread): void {
    if (!thread.stopped) this.idle.push(thread)
    this.waiting.shift()?.()
  }

  /** Called when the scope closes, which has stopped the threads by then. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.threads, (thread) => thread.gone))
  }
}
