import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { TurnpikeError } from '../../../core/error.ts'
import type { TimerHandle } from '../../../engine/world.ts'
import type { CheckedZip } from '../../../gomod/zip/check-zip.ts'
import { ModuleZipError } from '../../../gomod/zip/module-zip-error.ts'
import type { ZipCheckJob, ZipCheckMessage } from './zip-check-messages.ts'
import type { ZipCheckerParts } from './zip-checker.ts'

/** A thread costs some 10 MB while it is there, and 30 ms to start. */
const IDLE_MS = 10_000
/** Several times what the largest directory takes that a zip may have. */
const HEAP_MB = 512
/** What is inflated is not on the heap. */
const YOUNG_HEAP_MB = 4

/** One thread that checks zips, one at a time. Counted in the ledger; ends with the scope, or when nothing was asked of it for 10 s. */
export class ZipCheckThread {
  /** It takes no more jobs. */
  stopped = false
  /** Nothing of it is left. */
  readonly gone: Promise<void>
  private readonly parts: ZipCheckerParts
  private readonly worker: Worker
  private readonly end = (): void => this.stop(new TurnpikeError('ERR_DRAINING'))
  private job: PromiseWithResolvers<ZipCheckMessage> | null = null
  private idleTimer: TimerHandle | null = null

  /** `onGone` is called once, when nothing of it is left. */
  constructor(parts: ZipCheckerParts, onGone: () => void) {
    this.parts = parts
    const { scope, ledger } = parts
    const workerUrl = new URL(`./zip-check-worker${extname(import.meta.filename)}`, import.meta.url)
    this.worker = new Worker(workerUrl, {
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: YOUNG_HEAP_MB },
    })
    ledger.enter('workers')
    this.worker.on('message', (message: ZipCheckMessage) => this.job?.resolve(message))
    this.worker.on('error', (cause) => this.stop(new TurnpikeError('ERR_INTERNAL', { phase: 'body', cause })))
    const { promise, resolve } = Promise.withResolvers<void>()
    this.gone = promise
    this.worker.on('exit', () => {
      this.stop(new TurnpikeError('ERR_INTERNAL', { phase: 'body', message: 'A thread ended.' }))
      ledger.strike('workers')
      onGone()
      resolve()
    })
    scope.signal.addEventListener('abort', this.end, { once: true })
  }

  /** Rejects as ZipChecker.check does, but with the ModuleZipError itself. */
  async check(job: ZipCheckJob): Promise<CheckedZip> {
    this.idleTimer?.cancel()
    if (this.stopped) throw new TurnpikeError('ERR_DRAINING')
    this.job = Promise.withResolvers()
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is a window's
    this.worker.postMessage(job)
    try {
      return result(await this.job.promise)
    } finally {
      this.job = null
      if (!this.stopped) this.idleTimer = this.parts.scope.after(IDLE_MS, this.end)
    }
  }

  private stop(error: TurnpikeError): void {
    if (this.stopped) return
    this.stopped = true
    this.idleTimer?.cancel()
    this.parts.scope.signal.removeEventListener('abort', this.end)
    this.job?.reject(error)
    void this.worker.terminate()
  }
}

function result(message: ZipCheckMessage): CheckedZip {
  if (message.kind === 'refused') throw new ModuleZipError(message.message, message.tooLarge)
  if (message.kind === 'failed') throw new TurnpikeError('ERR_MODULE_STORE', { message: message.message })
  const { mod } = message.zip
  return { ...message.zip, mod: mod && Buffer.from(mod.buffer, mod.byteOffset, mod.byteLength) }
}
