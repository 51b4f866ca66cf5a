import type { Ledger } from './ledger.ts'
import type { SharedStates } from './shared-states.ts'
import type { TimerHandle, World } from './world.ts'

const SLICE_MS = 5

/** One for all: an error holds whatever was on the stack when it was made. */
const ended = new DOMException('The scope has ended.', 'AbortError')

/** What a scope is made with. */
export interface ScopeOptions {
  world: World
  ledger: Ledger
  states: SharedStates
  /** Told what a task, a timer or a disposal threw. None of them ends the process. */
  onError: (error: unknown) => void
}

/**
 * The only way to start anything that goes on by itself: timers, tasks, things to dispose of. All
 * of it ends with the scope, and the ledger counts it until then.
 */
export class Scope {
  private readonly options: ScopeOptions
  private readonly parent: Scope | null
  private readonly controller = new AbortController()
  private readonly timers = new Set<ScopeTimer>()
  private readonly tasks = new Set<Promise<void>>()
  private readonly children = new Set<Scope>()
  private readonly disposals: (() => void | PromiseLike<void>)[] = []
  private closing: Promise<void> | null = null

  constructor(options: ScopeOptions, parent: Scope | null = null) {
    this.options = options
    this.parent = parent
    options.ledger.enter('scopes')
  }

  /** Aborted when the scope begins to close. */
  get signal(): AbortSignal {
    return this.controller.signal
  }

  /** Runs once, `delayMs` from now. */
  after(delayMs: number, run: () => void): TimerHandle {
    return this.start(delayMs, run, false)
  }

  /** Runs every `periodMs`, counted from the end of the last run. */
  every(periodMs: number, run: () => void): TimerHandle {
    return this.start(periodMs, run, true)
  }

  /** Runs until done; it should end soon after `signal` aborts, since `close` waits for it. */
  task(run: (signal: AbortSignal) => Promise<void>): void {
    if (this.closing !== null) return
    const { ledger } = this.options
    ledger.enter('tasks')
    const task: Promise<void> = Promise.resolve()
      .then(() => run(this.signal))
      .catch((error: unknown) => {
        // A task that stops by the signal's own reason has done what it was told.
        if (!this.signal.aborted || error !== this.signal.reason) this.options.onError(error)
      })
      .finally(() => {
        ledger.strike('tasks')
        this.tasks.delete(task)
      })
    this.tasks.add(task)
  }

  /** Disposes of it when the scope closes, in reverse order; at once where that has happened. */
  use<T extends Disposable | AsyncDisposable>(resource: T): T {
    this.onClose(() => (Symbol.asyncDispose in resource ? resource[Symbol.asyncDispose]() : resource[Symbol.dispose]()))
    return resource
  }

  /** A scope that ends with this one, or before it. */
  child(): Scope {
    const child = new Scope(this.options, this)
    this.children.add(child)
    if (this.closing !== null) void child.close()
    return child
  }

  /**
   * State that outlives this scope as long as any other wants it, by key. `create` runs where nobody
   * has it yet, and gets the state's own scope. Of two creators of one key the first wins.
   */
  shared<T>(key: string, create: (scope: Scope) => T): T {
    const { options } = this
    const { value, release } = options.states.acquire(key, options.ledger, () => createShared(options, create))
    this.onClose(release)
    return value
  }

  /** Ends everything; resolves when tasks and disposals are done. A second call gives the same promise. */
  close(): Promise<void> {
    this.closing ??= this.end()
    return this.closing
  }

  private async end(): Promise<void> {
    this.controller.abort(ended)
    for (const timer of this.timers) timer.cancel()
    await Promise.all([...this.children].map((child) => child.close()))
    await Promise.all(this.tasks)
    const { world } = this.options
    let since = world.now()
    for (const dispose of this.disposals.toReversed()) {
      await this.run(dispose)
      // Thousands of them must not hold up what is being served (W15).
      if (world.now() - since < SLICE_MS) continue
      await new Promise<void>((resolve) => world.soon(resolve))
      since = world.now()
    }
    // What still holds the scope, such as what it was made for, holds nothing more by it.
    this.disposals.length = 0
    this.parent?.children.delete(this)
    this.options.ledger.strike('scopes')
  }

  private onClose(dispose: () => void | PromiseLike<void>): void {
    if (this.closing === null) this.disposals.push(dispose)
    else void this.run(dispose)
  }

  private async run(dispose: () => void | PromiseLike<void>): Promise<void> {
    try {
      await dispose()
    } catch (error) {
      this.options.onError(error)
    }
  }

  private start(delayMs: number, run: () => void, repeats: boolean): TimerHandle {
    const timer = new ScopeTimer(this.options, this.timers, delayMs, run, repeats)
    if (this.closing === null) timer.arm()
    return timer
  }
}

/** Apart from the scope that asks, which is not to be held by what outlives it. */
function createShared<T>(options: ScopeOptions, create: (scope: Scope) => T): { value: T; close: () => Promise<void> } {
  const scope = new Scope(options)
  try {
    return { value: create(scope), close: () => scope.close() }
  } catch (error) {
    void scope.close()
    throw error
  }
}

class ScopeTimer implements TimerHandle {
  private readonly options: ScopeOptions
  private readonly siblings: Set<ScopeTimer>
  private readonly delayMs: number
  private readonly run: () => void
  private readonly repeats: boolean
  private handle: TimerHandle | null = null

  constructor(options: ScopeOptions, siblings: Set<ScopeTimer>, delayMs: number, run: () => void, repeats: boolean) {
    this.options = options
    this.siblings = siblings
    this.delayMs = delayMs
    this.run = run
    this.repeats = repeats
  }

  arm(): void {
    this.siblings.add(this)
    this.options.ledger.enter('timers')
    this.handle = this.options.world.setTimer(() => this.fire(), this.delayMs)
  }

  cancel(): void {
    if (this.handle === null) return
    this.handle.cancel()
    this.done()
  }

  private fire(): void {
    const { world, onError } = this.options
    if (!this.repeats) this.done()
    try {
      this.run()
    } catch (error) {
      onError(error)
    }
    // Still wanted: `run` may have cancelled it.
    if (this.repeats && this.handle !== null) this.handle = world.setTimer(() => this.fire(), this.delayMs)
  }

  private done(): void {
    this.handle = null
    this.siblings.delete(this)
    this.options.ledger.strike('timers')
  }
}
