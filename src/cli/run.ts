import { parseArgs } from 'node:util'
import { ConfigError } from '../config/errors.ts'
import { findConfig } from '../config/find.ts'
import { loadConfig } from '../config/load.ts'
import { exit, type CliIo } from './io.ts'
import { listenerLines, serve } from './serve.ts'

const help = `turnpike run [--config FILE]

Runs a config until SIGTERM or SIGINT, which drain; a second signal stops at once.
SIGHUP opens the log files again. Without --config, turnpike.yaml, .yml, .json,
turnpike.config.ts or .js in this folder.
`

/** `turnpike run`: serves a config. */
export async function run(args: string[], io: CliIo): Promise<number> {
  let values: { config?: string; help?: boolean }
  try {
    values = parseArgs({
      args,
      options: { config: { type: 'string', short: 'c' }, help: { type: 'boolean', short: 'h' } },
    }).values
  } catch (error) {
    io.stderr.write(`turnpike run: ${(error as Error).message}\n${help}`)
    return exit.usage
  }
  if (values.help) {
    io.stdout.write(help)
    return exit.ok
  }
  try {
    const file = values.config ?? findConfig(io.cwd)
    const loaded = await loadConfig(file, { cwd: io.cwd, env: io.env })
    for (const warning of loaded.warnings) io.stderr.write(`${warning.file}:${warning.line}:${warning.column}: warning: ${warning.message}\n`)
    return await serve(loaded, io, (turnpike) => {
      io.stderr.write(`turnpike: serving ${loaded.source.file}\n${listenerLines(turnpike)}\n`)
    })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    io.stderr.write(`${error.message}\n`)
    return exit.fault
  }
}
