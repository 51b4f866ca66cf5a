import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { TurnpikeError } from '../core/error.ts'
import { openModuleSession, type ModuleSession } from '../module-session.ts'
import { command, FaultError, UsageError } from './command.ts'
import { moduleConfig, storeOptions, storeUsage } from './goproxy-config.ts'
import { exit, type CliIo } from './io.ts'
import { lastingStore, storeFault } from './kept-store.ts'
import { ProgressBar } from './progress-bar.ts'
import { readWarmList, type WarmItem } from './warm-list.ts'

const AT_A_TIME = 8

const usage = `Usage: turnpike goproxy warm FILE [--config FILE | --dir PATH]

Fetches what a go.sum names, or a list with a module@version a line, into the store:
builds then find it there. What is kept already is left alone, so that it can be
started again after an interruption. What a go.sum says of a version is checked.

${storeUsage}
Exit code: 0 all of it is kept, 1 something could not be fetched or is not what the
go.sum says, 2 wrong usage.
`

/** `turnpike goproxy warm`: fills the store before somebody waits. */
export const warm = command({ usage, options: storeOptions }, async ({ values, positionals }, io) => {
  const [file, ...more] = positionals
  if (file === undefined || more.length > 0) throw new UsageError('One file is needed: a go.sum, or a list.')
  const items = await readItems(file, io)
  const { goproxy, parents } = await moduleConfig(values, io)
  const config = { goproxy: lastingStore(goproxy), parents }
  const stop = new AbortController()
  const interrupt = (): void => stop.abort(new Error('interrupted'))
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  try {
    const bar = new ProgressBar(io.stderr, items.length)
    const notify = (message: string): void => {
      bar.clear()
      io.stderr.write(`turnpike: ${message}\n`)
    }
    await using session = await storeFault(() => openModuleSession(config, notify))
    const faults: string[] = []
    const waiting = items.values()
    const work = async (): Promise<void> => {
      for (const item of waiting) {
        if (stop.signal.aborted) return
        const name = `${item.module}@${item.version}`
        const fault = await keepItem(session, item, stop.signal)
        if (fault !== null) faults.push(`${name}: ${fault}`)
        bar.step(name)
      }
    }
    await Promise.all(Array.from({ length: AT_A_TIME }, work))
    bar.clear()
    for (const fault of faults) io.stderr.write(`${fault}\n`)
    if (stop.signal.aborted) throw new FaultError('Interrupted: what was fetched is kept; start it again for the rest.')
    io.stdout.write(`${items.length - faults.length} of ${items.length} versions are kept.\n`)
    return faults.length === 0 ? exit.ok : exit.fault
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  }
})

async function readItems(file: string, { cwd }: CliIo): Promise<WarmItem[]> {
  try {
    return readWarmList(await readFile(resolve(cwd, file), 'utf8'))
  } catch (error) {
    throw new FaultError(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

/** What is wrong, null for nothing. */
async function keepItem(
  session: ModuleSession,
  { module, version, zipH1, modH1, modOnly }: WarmItem,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const kept = await session.keep(module, version, !modOnly, signal)
    if (modH1 !== null && kept.modH1 !== modH1) return `its go.mod is ${kept.modH1}, the go.sum says ${modH1}`
    if (zipH1 !== null && kept.zipH1 !== zipH1) return `its zip is ${kept.zipH1}, the go.sum says ${zipH1}`
    return null
  } catch (error) {
    if (!(error instanceof TurnpikeError)) throw error
    return error.message
  }
}
