import { parseDuration, parseSize } from '../core/units.ts'
import { openModuleStoreTools, type Garbage } from '../module-store-tools.ts'
import { command, noPositionals, UsageError } from './command.ts'
import { formatBytes } from './format-bytes.ts'
import { goproxyConfig, storeOptions, storeUsage } from './goproxy-config.ts'
import { exit, type CliIo } from './io.ts'
import { keptStore, storeFault } from './kept-store.ts'
import { ProgressBar } from './progress-bar.ts'

const usage = `Usage: turnpike goproxy gc [--config FILE | --dir PATH] [--max-size SIZE]
                           [--unused-for DURATION] [--dry-run] [--json]

Removes versions that nobody used for long, and those used longest ago where more is
kept than may be. What is pinned stays. It can run beside the proxy.

      --max-size SIZE    most that is kept, such as 50GiB; default: the config's maxSize
      --unused-for DURATION
                         how long a version may be unused, such as 720h; default: the
                         config's retention
      --dry-run          only says what would go
      --json             the result as JSON
${storeUsage}
Exit code: 0 done, 1 the store cannot be read or changed, 2 wrong usage.
`

const options = {
  ...storeOptions,
  'max-size': { type: 'string' },
  'unused-for': { type: 'string' },
  'dry-run': { type: 'boolean' },
  json: { type: 'boolean' },
} as const

/** `turnpike goproxy gc`: removes what nobody needs. */
export const gc = command({ usage, options }, async ({ values, positionals }, io) => {
  noPositionals(positionals)
  const config = keptStore(await goproxyConfig(values, io))
  const { maxSize, retention } = config.store.disk ?? config.store.s3 ?? {}
  const maxBytes = read('--max-size', values['max-size'], parseSize) ?? maxSize
  const unusedMs = read('--unused-for', values['unused-for'], parseDuration) ?? retention
  if (maxBytes === undefined && unusedMs === undefined) {
    throw new UsageError(
      'Nothing says what may stay: give --max-size or --unused-for, or configure maxSize or retention.',
    )
  }
  return storeFault(async () => {
    await using tools = await openModuleStoreTools(config)
    // What is known of the last use of versions is read with it.
    await tools.usage()
    const usedSinceMs = unusedMs === undefined ? -Infinity : Date.now() - unusedMs
    const garbage = await tools.findGarbage({ maxBytes: maxBytes ?? Infinity, usedSinceMs })
    const dryRun = values['dry-run'] === true
    const bar = new ProgressBar(io.stderr, garbage.length)
    for (const { module, version } of dryRun ? [] : garbage) {
      await tools.remove(module, version)
      bar.step(`${module}@${version}`)
    }
    bar.clear()
    if (values.json === true) io.stdout.write(`${JSON.stringify(report(garbage, dryRun), null, 2)}\n`)
    else writeText(garbage, dryRun, io)
    return exit.ok
  })
})

function read(option: string, text: string | undefined, parse: (text: string) => number): number | undefined {
  try {
    return text === undefined ? undefined : parse(text)
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`${option}: ${error.message}`, { cause: error })
    throw error
  }
}

function report(garbage: Garbage[], dryRun: boolean): object {
  const versions = garbage.map(({ usedMs, ...each }) => ({ ...each, lastUsed: new Date(usedMs).toISOString() }))
  return { removed: !dryRun, bytes: sum(garbage), versions }
}

function writeText(garbage: Garbage[], dryRun: boolean, io: CliIo): void {
  for (const { module, version, bytes, usedMs } of garbage) {
    io.stdout.write(`${module}@${version}: ${formatBytes(bytes)}, last used ${new Date(usedMs).toISOString()}\n`)
  }
  const count = `${garbage.length} ${garbage.length === 1 ? 'version' : 'versions'}`
  io.stdout.write(`${count}, ${formatBytes(sum(garbage))}: ${dryRun ? 'would be removed' : 'removed'}.\n`)
}

const sum = (garbage: Garbage[]): number => garbage.reduce((bytes, each) => bytes + each.bytes, 0)
