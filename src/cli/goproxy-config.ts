import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Config, ConfigInput } from '../config/config.ts'
import { findConfigFile } from '../config/find.ts'
import { loadConfig, loadConfigObject } from '../config/load.ts'
import { FaultError } from './command.ts'
import { goEnvironment, type GoEnvironment } from './go-environment.ts'
import type { CliIo } from './io.ts'

type GoproxyConfig = NonNullable<Config['goproxy']>

/** Options of the commands that work on a store. */
export const storeOptions = { config: { type: 'string', short: 'c' }, dir: { type: 'string' } } as const

export const storeUsage = `  -c, --config FILE      the config with the \`goproxy\` block; default: the one in this
                         folder, where there is one
      --dir PATH         the folder of \`turnpike goproxy\`, without a config; default:
                         turnpike/modules in the user's cache folder
  -h, --help             shows this
`

interface Chosen {
  config?: string | undefined
  dir?: string | undefined
}

/** The module proxy that a command is about: that of a config, else that of `turnpike goproxy`. Throws a FaultError. */
export async function goproxyConfig(chosen: Chosen, io: CliIo): Promise<GoproxyConfig> {
  return (await moduleConfig(chosen, io)).goproxy
}

/** The same with the parents that it may name. */
export async function moduleConfig(
  { config, dir }: Chosen,
  io: CliIo,
): Promise<{ goproxy: GoproxyConfig; parents: Config['parents'] }> {
  if (config !== undefined && dir !== undefined) throw new FaultError('--config and --dir exclude each other.')
  const file = config ?? (dir === undefined ? await findConfigFile(io.cwd) : undefined)
  if (file !== undefined) {
    const { config: loaded, source } = await loadConfig(file, { cwd: io.cwd, env: io.env })
    if (loaded.goproxy === undefined) throw new FaultError(`${source.file} has no \`goproxy\` block.`)
    return { goproxy: loaded.goproxy, parents: loaded.parents }
  }
  const go = goEnvironment(io.env)
  const path = dir === undefined ? defaultFolder(io) : resolve(io.cwd, dir)
  const made = oneLineConfig(go, '127.0.0.1:0', path)
  const { config: loaded } = await loadConfigObject(made, { cwd: io.cwd, env: io.env })
  return { goproxy: loaded.goproxy!, parents: loaded.parents }
}

/** Where modules are kept when nobody says otherwise. */
export function defaultFolder({ env }: CliIo): string {
  const cache = env['XDG_CACHE_HOME'] ?? ''
  return join(cache.startsWith('/') ? cache : join(env['HOME'] ?? homedir(), '.cache'), 'turnpike', 'modules')
}

/** What `turnpike goproxy` runs. */
export function oneLineConfig(go: GoEnvironment, listen: string, path: string): ConfigInput {
  const { chain, private: patterns, insecure, sumdb } = go
  return {
    listeners: { modules: { address: listen, door: 'goproxy' } },
    goproxy: { chain, private: patterns, insecure, sumdb, store: { disk: { path } } },
    admin: 'off',
  }
}
