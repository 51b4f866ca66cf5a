import { openModuleStoreTools, type VerifiedVersion } from '../module-store-tools.ts'
import { command, noPositionals } from './command.ts'
import { goproxyConfig, storeOptions, storeUsage } from './goproxy-config.ts'
import { exit, type CliIo } from './io.ts'
import { keptStore, storeFault } from './kept-store.ts'
import { ProgressBar } from './progress-bar.ts'
import { formatBytes } from './format-bytes.ts'

const usage = `Usage: turnpike goproxy verify [--config FILE | --dir PATH] [--remove] [--json]

Reads everything that is kept: the bytes against what was committed, zips against the
rules for module zips and against their h1 hashes. Damaged versions are listed. They
are never served; with --remove they go, and are fetched anew when somebody asks.

      --remove           removes what is damaged
      --json             the result as JSON
${storeUsage}
Exit code: 0 all is as it was committed, 1 something is damaged or the store cannot be
read, 2 wrong usage.
`

const options = { ...storeOptions, remove: { type: 'boolean' }, json: { type: 'boolean' } } as const

/** `turnpike goproxy verify`: 0 where all that is kept is as it was committed, 1 where it is not. */
export const verify = command({ usage, options }, async ({ values, positionals }, io) => {
  noPositionals(positionals)
  const config = keptStore(await goproxyConfig(values, io))
  return storeFault(async () => {
    await using tools = await openModuleStoreTools(config)
    const bar = new ProgressBar(io.stderr, (await tools.usage()).versions)
    const seen = { versions: 0, bytes: 0 }
    const damaged: VerifiedVersion[] = []
    for await (const each of tools.verify()) {
      seen.versions++
      seen.bytes += each.bytes
      bar.step(`${each.module}@${each.version}`)
      if (each.damage === null) continue
      damaged.push(each)
      if (values.remove === true) await tools.remove(each.module, each.version)
    }
    bar.clear()
    const removed = values.remove === true
    if (values.json === true) io.stdout.write(`${JSON.stringify(report(seen, damaged, removed), null, 2)}\n`)
    else writeText(seen, damaged, removed, io)
    return damaged.length === 0 ? exit.ok : exit.fault
  })
})

interface Seen {
  versions: number
  bytes: number
}

function report(seen: Seen, damaged: VerifiedVersion[], removed: boolean): object {
  const listed = damaged.map(({ module, version, damage }) => ({ module, version, damage, removed }))
  return { ...seen, damaged: listed }
}

function writeText({ versions, bytes }: Seen, damaged: VerifiedVersion[], removed: boolean, io: CliIo): void {
  for (const { module, version, damage } of damaged) io.stdout.write(`${module}@${version}: ${damage}\n`)
  const all = `${versions} ${versions === 1 ? 'version' : 'versions'}, ${formatBytes(bytes)}`
  const result =
    damaged.length === 0 ? 'all as committed' : `${damaged.length} damaged${removed ? ', and removed' : ''}`
  io.stdout.write(`${all}: ${result}.\n`)
}
