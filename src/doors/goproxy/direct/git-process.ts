import { spawn, type ChildProcess } from 'node:child_process'
import { TurnpikeError } from '../../../core/error.ts'
import type { Ledger } from '../../../engine/ledger.ts'
import type { Scope } from '../../../engine/scope.ts'
import type { TimerHandle } from '../../../engine/world.ts'

/** One run of git. */
export interface GitRun {
  args: readonly string[]
  env: Readonly<Record<string, string>>
  /** After that it is ended, in ms. */
  deadlineMs: number
  /** Most that it may write to its standard output. */
  maxBytes: number
  /** Ends it as soon as nobody wants it any more. */
  signal: AbortSignal
  /** Takes its output piece by piece; what it throws ends the run. Default: the output is the run's result. */
  into?: (piece: Buffer) => Promise<void> | void
}

/** Git did not do what it was told. */
export class GitFailure extends Error {
  /** Its exit code; null where it was killed. */
  readonly exitCode: number | null
  /** What it said, control characters and credentials taken out. */
  readonly said: string

  constructor(exitCode: number | null, said: string) {
    super(said === '' ? `git ended with ${exitCode ?? 'a signal'}` : said)
    this.name = 'GitFailure'
    this.exitCode = exitCode
    this.said = said
  }
}

const MAX_SAID_BYTES = 16_384
/** From SIGTERM, at which git takes its lock files away, to SIGKILL. */
const GRACE_MS = 2_000

/**
 * Runs git, each run in a process group of its own, so that its helpers (git-remote-https, ssh, index-pack) end with
 * it: at the deadline, when nobody wants it, when it says too much, and with the scope.
 */
export class GitProcesses {
  private readonly scope: Scope
  private readonly ledger: Ledger
  private readonly running = new Set<Promise<unknown>>()

  constructor(scope: Scope, ledger: Ledger) {
    this.scope = scope
    this.ledger = ledger
    scope.use({
      [Symbol.asyncDispose]: async () => {
        await Promise.allSettled(this.running)
      },
    })
  }

  /** Resolves with what it wrote; rejects with a GitFailure or a TurnpikeError. */
  async run(run: GitRun): Promise<Buffer> {
    run.signal.throwIfAborted()
    this.scope.signal.throwIfAborted()
    const ended = this.start(run)
    this.running.add(ended)
    try {
      return await ended
    } finally {
      this.running.delete(ended)
    }
  }

  private start(run: GitRun): Promise<Buffer> {
    const { scope, ledger } = this
    const done = Promise.withResolvers<Buffer>()
    const child = spawn('git', run.args, {
      env: run.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A session of its own: no terminal to ask on, and one group to end.
      detached: true,
      windowsHide: true,
    })
    if (child.pid === undefined) return notStarted(child)
    ledger.enter('processes')
    const output: Buffer[] = []
    const said: Buffer[] = []
    let outputBytes = 0
    let saidBytes = 0
    let reason: Error | null = null
    let forcing: TimerHandle | null = null
    const force = (): void => signalGroup(child, 'SIGKILL')
    const end = (why: Error): void => {
      if (reason !== null) return
      reason = why
      signalGroup(child, 'SIGTERM')
      forcing = scope.after(GRACE_MS, force)
    }
    let taken = Promise.resolve()
    const pass = (piece: Buffer, into: NonNullable<GitRun['into']>): void => {
      child.stdout.pause()
      taken = taken
        .then(() => into(piece))
        .catch((error: Error) => end(error))
        .finally(() => child.stdout.resume())
    }
    const abandoned = (): void => end(run.signal.reason)
    const closing = (): void => {
      reason ??= scope.signal.reason
      force()
    }
    run.signal.addEventListener('abort', abandoned, { once: true })
    scope.signal.addEventListener('abort', closing, { once: true })
    const deadline = scope.after(run.deadlineMs, () =>
      end(new TurnpikeError('ERR_MODULE_VCS', { status: 504, message: 'git took too long and was ended.' })),
    )
    child.stdout.on('data', (piece: Buffer) => {
      outputBytes += piece.length
      if (reason !== null) return
      if (outputBytes > run.maxBytes) {
        return end(new TurnpikeError('ERR_MODULE_TOO_LARGE', { message: 'The repository has more than is taken.' }))
      }
      if (run.into === undefined) output.push(piece)
      else pass(piece, run.into)
    })
    child.stderr.on('data', (piece: Buffer) => {
      if (saidBytes < MAX_SAID_BYTES) said.push(piece)
      saidBytes += piece.length
    })
    for (const stream of [child.stdout, child.stderr]) stream.on('error', end)
    child.on('error', end)
    // Once git has ended, what is left in its pipe comes without waiting: it is taken first.
    child.on('close', (exitCode) => void taken.then(() => closed(exitCode)))
    const closed = (exitCode: number | null): void => {
      deadline.cancel()
      forcing?.cancel()
      run.signal.removeEventListener('abort', abandoned)
      scope.signal.removeEventListener('abort', closing)
      ledger.strike('processes')
      if (reason === null && exitCode === 0) return done.resolve(Buffer.concat(output))
      const text = readable(Buffer.concat(said).subarray(0, MAX_SAID_BYTES))
      const failure = new GitFailure(exitCode, text)
      if (reason instanceof TurnpikeError) {
        const { code, message, status } = reason
        return done.reject(new TurnpikeError(code, { message, status, cause: reason.cause ?? failure }))
      }
      done.reject(reason ?? failure)
    }
    return done.promise
  }
}

function notStarted(child: ChildProcess): Promise<never> {
  return new Promise((_resolve, reject) => {
    child.once('error', (cause: NodeJS.ErrnoException) => {
      const message = cause.code === 'ENOENT' ? 'git is not installed.' : `git could not be started: ${cause.code}.`
      reject(new TurnpikeError('ERR_MODULE_VCS', { status: 500, message, cause }))
    })
  })
}

/** Ends git and what it started: before its output has closed, somebody of the group is there. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** Text of a program for people: no control characters, no user names and passwords of URLs. */
function readable(bytes: Buffer): string {
  return bytes
    .toString('utf8')
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/[^\P{Cc}\n\t]/gu, '')
    .replaceAll(/(?<=:\/\/)[^\s/@]*@/g, '')
    .trim()
}
