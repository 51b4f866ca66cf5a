import { Worker } from 'node:worker_threads'
import { TurnpikeError } from '../../core/error.ts'
import type { Scope } from '../scope.ts'

/** What the thread is asked. */
export interface BcryptQuestion {
  id: number
  password: string
  hash: string
}

/** What it answers. */
export interface BcryptAnswer {
  id: number
  right: boolean
}

interface Asker {
  resolve(right: boolean): void
  reject(error: TurnpikeError): void
}

/** A thread for bcrypt, which Node does not have and which would hold the event loop up for a quarter of a second. */
export class BcryptThread {
  private readonly scope: Scope
  private worker: Worker | null = null
  private asked = 0
  private readonly askers = new Map<number, Asker>()

  /** The thread starts with the first question, and ends with the scope. */
  constructor(scope: Scope) {
    this.scope = scope
  }

  isRight(password: string, hash: string): Promise<boolean> {
    const id = this.asked++
    const question: BcryptQuestion = { id, password, hash }
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    this.askers.set(id, { resolve, reject })
    this.worker ??= this.start()
    // A thread has no origin.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    this.worker.postMessage(question)
    return promise
  }

  private start(): Worker {
    // Built or not, it stands beside this file.
    const file = import.meta.url.endsWith('.ts') ? './bcrypt-worker.ts' : './bcrypt-worker.js'
    const worker = new Worker(new URL(file, import.meta.url))
    worker.unref()
    worker.on('message', ({ id, right }: BcryptAnswer) => {
      this.askers.get(id)?.resolve(right)
      this.askers.delete(id)
    })
    worker.on('error', (error) => this.fail(error))
    this.scope.task(async (signal) => {
      const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
      signal.addEventListener('abort', () => void worker.terminate())
      if (signal.aborted) void worker.terminate()
      await ended
      this.worker = null
      this.fail(new Error('The thread has ended.'))
    })
    return worker
  }

  private fail(cause: unknown): void {
    for (const asker of this.askers.values())
      asker.reject(new TurnpikeError('ERR_INTERNAL', { phase: 'middleware', cause }))
    this.askers.clear()
  }
}
