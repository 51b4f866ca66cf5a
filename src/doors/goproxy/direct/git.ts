import { TurnpikeError } from '../../../core/error.ts'
import type { AddressGuard } from '../../../engine/dial/address-guard.ts'
import type { ParentRoute } from '../../../engine/dial/parent.ts'
import type { EngineServices } from '../../../engine/services.ts'
import type { Scope } from '../../../engine/scope.ts'
import { FetchGate } from '../library/fetch-gate.ts'
import type { Credentials } from './credentials.ts'
import { DialPass } from './dial-pass.ts'
import { DialProxy } from './dial-proxy.ts'
import { localEnvironment, remoteEnvironment } from './git-environment.ts'
import { GitHome } from './git-home.ts'
import { GitProcesses, type GitRun } from './git-process.ts'
import type { GitRemote } from './git-remote.ts'

/** What git is run with. */
export interface GitParts {
  services: EngineServices
  scope: Scope
  guard: AddressGuard
  /** The parents that remotes are reached through, null for none. */
  parents: ParentRoute | null
  credentials: Credentials
  /** Runs that fetch at a time; others wait. */
  concurrentFetches: number
  deadlines: GitDeadlines
}

/** In ms. */
export interface GitDeadlines {
  /** For a run that asks or fetches from a remote. Default: 5 minutes. */
  remoteMs: number
  /** For a run on a clone. Default: 1 minute. */
  localMs: number
}

export const defaultDeadlines: GitDeadlines = { remoteMs: 300_000, localMs: 60_000 }

/** What one fetch may bring. */
const MAX_FETCH_BYTES = 4 * 1024 ** 3
const MAX_OUTPUT_BYTES = 16 * 1024 ** 2

type RunOptions = Pick<GitRun, 'signal' | 'into'> & Partial<Pick<GitRun, 'maxBytes'>>

/** The program git: without anybody's settings, without prompts, bounded, and with no way out but the engine's. */
export class Git {
  private readonly parts: GitParts
  private readonly processes: GitProcesses
  private readonly proxy: DialProxy
  private readonly fetches: FetchGate
  private made: Promise<GitHome> | null = null

  constructor(parts: GitParts) {
    this.parts = parts
    this.processes = new GitProcesses(parts.scope, parts.services.ledger)
    this.proxy = new DialProxy(parts.services, parts.scope)
    this.fetches = new FetchGate(parts.concurrentFetches)
  }

  /** A run on a clone. Rejects with a GitFailure, or with a TurnpikeError where it was ended. */
  async local(clone: string, args: readonly string[], options: RunOptions): Promise<Buffer> {
    const env = localEnvironment(await this.home(), clone)
    const { localMs } = this.parts.deadlines
    return this.processes.run({ args, env, deadlineMs: localMs, maxBytes: MAX_OUTPUT_BYTES, ...options })
  }

  /** A run that connects to the remote. Rejects as `local` does; with the dialler's error where that is why. */
  remote(clone: string, remote: GitRemote, args: readonly string[], options: RunOptions): Promise<Buffer> {
    return this.fetches.run(options.signal, () => this.connected(clone, remote, args, options))
  }

  private async connected(clone: string, remote: GitRemote, args: readonly string[], options: RunOptions) {
    const { guard, parents, credentials, deadlines } = this.parts
    const pass = new DialPass(guard, parents, MAX_FETCH_BYTES)
    const way = { pass, port: await this.proxy.port() }
    const env = await remoteEnvironment(await this.home(), clone, remote, credentials, way)
    const run = { args, env, deadlineMs: deadlines.remoteMs, maxBytes: MAX_OUTPUT_BYTES, ...options }
    this.proxy.admit(pass)
    try {
      return await this.processes.run(run)
    } catch (error) {
      // What git says of a proxy that did not let it through says nothing.
      if (pass.failure === null || error instanceof TurnpikeError) throw error
      const { code, message } = pass.failure
      throw new TurnpikeError(code, { message: `${new URL(remote.url).host}: ${message}`, cause: error })
    } finally {
      this.proxy.revoke(pass)
    }
  }

  private home(): Promise<GitHome> {
    this.made ??= GitHome.make(this.parts.scope).catch((error: unknown) => {
      this.made = null
      throw error
    })
    return this.made
  }
}
