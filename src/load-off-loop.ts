import { stat } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Config } from './config/config.ts'
import { ConfigError } from './config/errors.ts'
import type { LoadHead, LoadJob, LoadMessage } from './config/load-messages.ts'
import { loadConfig, type LoadedConfig, type LoadOptions } from './config/load.ts'
import { importOwnMiddleware } from './config/own-middleware.ts'
import { rebuilding } from './config/rebuild.ts'
import { treeOf } from './config/tree.ts'
import { TurnpikeError } from './core/error.ts'
import type { Ledger } from './engine/ledger.ts'
import { inSlices } from './engine/loop-slices.ts'
import type { Scope } from './engine/scope.ts'
import type { World } from './engine/world.ts'

/** What the process that reads a config again has at hand. */
export interface LoadContext {
  scope: Scope
  world: World
  ledger: Ledger
}

/** A config of this size is read and checked within 20 ms, the first time too: a thread takes longer to start. */
const SMALL_BYTES = 4096
/** Ten times what 10 000 routes take. */
const LOAD_MS = 60_000
const HEAP_MB = 2048

/**
 * Reads a config while requests are served (W15): a small one at once, others in a thread of their own, which ends with
 * it, and with it all that parsing needed, modules included. Rejects as `loadConfig` does.
 */
export async function loadOffLoop(file: string, options: LoadOptions, context: LoadContext): Promise<LoadedConfig> {
  const { cwd = process.cwd(), env = process.env } = options
  const facts = await stat(resolve(cwd, file)).catch(() => null)
  const isText = ['.yaml', '.yml', '.json'].includes(extname(file))
  if (facts === null || (isText && facts.size <= SMALL_BYTES)) return loadConfig(file, { cwd, env })
  const { world, scope } = context
  const { loaded, plain } = await readInThread({ file, cwd, env: { ...env } }, context)
  const config: Config = await inSlices(rebuilding(plain), world, scope.signal)
  const own = await importOwnMiddleware(plain.data, plain.folder, loaded.source.files)
  const problems = own.findings.map(({ code, message }) => ({ file, line: 1, column: 1, code, message }))
  if (problems.length > 0) throw new ConfigError(problems)
  own.fill(config, (path) => plain.places.get(JSON.stringify(path)) ?? { file, line: 1, column: 1 })
  return { ...loaded, config }
}

/** Slices are asked for one by one, with a turn of the event loop in between. */
async function readInThread(job: LoadJob, { scope, world, ledger }: LoadContext): Promise<LoadHead> {
  const workerUrl = new URL(`./config/load-worker${extname(import.meta.filename)}`, import.meta.url)
  const worker = new Worker(workerUrl, { workerData: job, resourceLimits: { maxOldGenerationSizeMb: HEAP_MB } })
  ledger.enter('workers')
  const done = Promise.withResolvers<LoadHead>()
  const routes: unknown[] = []
  const upstreams: Record<string, unknown> = {}
  let head: LoadHead | null = null
  worker.on('message', (message: LoadMessage) => {
    if (message.kind === 'refused') {
      const refused = new ConfigError(message.problems)
      refused.files = message.files
      done.reject(refused)
      return
    }
    if (message.kind === 'end') return done.resolve(head!)
    if (message.kind === 'head') head = message
    else {
      for (const route of message.routes) routes.push(route)
      for (const [name, upstream] of message.upstreams) upstreams[name] = upstream
    }
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is a window's
    world.soon(() => worker.postMessage('next'))
  })
  worker.on('error', (cause) => done.reject(new TurnpikeError('ERR_INTERNAL', { phase: 'config', cause })))
  worker.on('exit', () => done.reject(new TurnpikeError('ERR_DRAINING', { phase: 'config' })))
  const stop = (): void => void worker.terminate()
  scope.signal.addEventListener('abort', stop, { once: true })
  const late = scope.after(LOAD_MS, () => done.reject(new TurnpikeError('ERR_CONFIG_INVALID', { message: tooSlow })))
  try {
    const { loaded, plain } = await done.promise
    const { gateway, ...tree } = treeOf(plain.data)
    const data = gateway === undefined ? tree : { ...tree, gateway: { ...treeOf(gateway), routes, upstreams } }
    return { kind: 'head', loaded, plain: { ...plain, data } }
  } finally {
    late.cancel()
    scope.signal.removeEventListener('abort', stop)
    await worker.terminate()
    ledger.strike('workers')
  }
}

const tooSlow = `Reading the config took more than ${LOAD_MS / 1000} s.`
