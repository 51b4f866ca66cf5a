import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Git } from './git.ts'
import { GitFailure } from './git-process.ts'
import type { GitRemote } from './git-remote.ts'
import { RefReader, type RemoteRefs } from './remote-refs.ts'

/** G22: archives of a commit do not depend on what its own attributes leave out or fill in. */
const attributes = '* -export-subst -export-ignore\n'

/** `ls-remote` may write that much: half a million names. */
const MAX_REFS_BYTES = 64 * 1024 ** 2

/** Runs one work at a time on a clone, of all processes that use the folder. */
export type Exclusively = <T>(signal: AbortSignal, work: () => Promise<T>) => Promise<T>

/** A bare clone, and what changes it. Only branches and tags are ever fetched: nothing that was merely proposed is served. */
export class Clone {
  readonly folder: string
  readonly remote: GitRemote
  private readonly git: Git
  private readonly exclusively: Exclusively

  constructor(folder: string, remote: GitRemote, git: Git, exclusively: Exclusively) {
    this.folder = folder
    this.remote = remote
    this.git = git
    this.exclusively = exclusively
  }

  /** A run that changes nothing. */
  look(args: readonly string[], options: LookOptions): Promise<Buffer> {
    return this.git.local(this.folder, args, options)
  }

  /**
   * The same for what may not be there: null where what git says of its failure is that of `absence`. Whatever else is
   * wrong with a clone must not look as if something was not in the repository.
   */
  async lookFor(args: readonly string[], absence: RegExp, options: LookOptions): Promise<Buffer | null> {
    try {
      return await this.look(args, options)
    } catch (error) {
      if (error instanceof GitFailure && error.exitCode !== null && absence.test(error.said)) return null
      throw error
    }
  }

  /** A run whose output goes into `into`. */
  async stream(args: readonly string[], into: (piece: Buffer) => Promise<void>, limits: StreamLimits): Promise<void> {
    await this.git.local(this.folder, args, { into, ...limits })
  }

  /** Asks the remote for its branches and tags. */
  async refs(signal: AbortSignal): Promise<RemoteRefs> {
    const reader = new RefReader()
    const { remote } = this
    await this.git.remote(this.folder, remote, ['ls-remote', '-q', '--end-of-options', remote.url], {
      signal,
      maxBytes: MAX_REFS_BYTES,
      into: (piece) => reader.read(piece),
    })
    return reader.end()
  }

  /** Brings the commit of one branch or tag, or of `HEAD`, without its history. False where git cannot. */
  fetchCommit(ref: string, hashDigits: number, signal: AbortSignal): Promise<boolean> {
    return this.exclusively(signal, async () => {
      await this.create(hashDigits, signal)
      const refspec = ref === 'HEAD' ? 'HEAD:refs/turnpike/head' : `${ref}:${ref}`
      const depth = (await this.completeFor()) === null ? ['--depth=1'] : []
      try {
        await this.bring(['--no-tags', ...depth], [refspec], signal)
        return true
      } catch (error) {
        // Whatever git said, such as that hashes are not given out: the history of everything is the other way.
        if (error instanceof GitFailure && error.exitCode !== null) return false
        throw error
      }
    })
  }

  /** Brings all branches and tags with their history, unless they are there already. */
  async fetchAll(refs: RemoteRefs, signal: AbortSignal): Promise<void> {
    if ((await this.completeFor()) === refs.sum) return
    await this.exclusively(signal, async () => {
      if ((await this.completeFor()) === refs.sum) return
      await this.create(refs.hashDigits, signal)
      await this.bring(['--prune', '--no-tags'], ['refs/heads/*:refs/heads/*', 'refs/tags/*:refs/tags/*'], signal)
      // Names first and history then: git has mixed the two up (golang.org/issue/34266).
      if (await exists(join(this.folder, 'shallow'))) {
        await this.bring(['--unshallow', '--no-tags'], ['refs/heads/*:refs/heads/*', 'refs/tags/*:refs/tags/*'], signal)
      }
      await writeFile(this.completeFile, refs.sum)
    })
  }

  /** A path for a file of one's own. */
  async scratchFile(): Promise<string> {
    await mkdir(dirname(this.folder), { recursive: true })
    return `${this.folder}.${randomUUID()}.tmp`
  }

  /** Notes that it was used now. */
  async touch(): Promise<void> {
    const now = new Date()
    await utimes(this.folder, now, now).catch(ignoreAbsence)
  }

  private get completeFile(): string {
    return join(this.folder, 'turnpike-complete')
  }

  /** The sum of the refs whose whole history is there; null where it is not. */
  private async completeFor(): Promise<string | null> {
    return readFile(this.completeFile, 'utf8').catch(ignoreAbsence)
  }

  private async create(hashDigits: number, signal: AbortSignal): Promise<void> {
    if (await exists(join(this.folder, 'info', 'attributes'))) return
    await rm(this.folder, { recursive: true, force: true })
    await mkdir(this.folder, { recursive: true })
    const format = hashDigits === 64 ? 'sha256' : 'sha1'
    const init = ['init', '-q', '--bare', `--object-format=${format}`, '--template=']
    await this.git.local(this.folder, init, { signal })
    await mkdir(join(this.folder, 'info'), { recursive: true })
    // Last of all: what has it is whole.
    await writeFile(join(this.folder, 'info', 'attributes'), attributes)
  }

  private async bring(options: readonly string[], refspecs: readonly string[], signal: AbortSignal): Promise<void> {
    const { remote, folder } = this
    // Protocol 2: under 1, git has missed tags of the commit that was asked for (golang.org/issue/56881).
    const args = ['-c', 'protocol.version=2', 'fetch', '-q', '-f', '--no-write-fetch-head', '--no-auto-gc', ...options]
    await this.clearLeftovers()
    await this.git.remote(folder, remote, [...args, '--end-of-options', remote.url, ...refspecs], { signal })
  }

  /** Nobody else works here now: lock files, and packs that were on their way, are of a run that was killed. */
  private async clearLeftovers(): Promise<void> {
    for (const entry of await readdir(this.folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/\.lock$|^tmp_/.test(entry.name)) continue
      await rm(join(entry.parentPath, entry.name), { force: true })
    }
  }
}

/** Bounds of a run whose output is kept. Default: 16 MiB of it. */
export interface LookOptions {
  signal: AbortSignal
  maxBytes?: number
}

/** Bounds of a run whose output is streamed. */
export interface StreamLimits {
  signal: AbortSignal
  maxBytes: number
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(ignoreAbsence)) !== null
}

function ignoreAbsence(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null
  throw error
}
