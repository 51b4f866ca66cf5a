import { parseArgs } from 'node:util'
import { ConfigError, renderProblem } from '../config/errors.ts'
import { findConfigFile } from '../config/find.ts'
import { configFileNames, loadConfig } from '../config/load.ts'
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
    const file = values.config ?? (await findConfigFile(io.cwd))
    if (file === undefined) {
      io.stderr.write(`There is no ${configFileNames.join(', ')} in this folder: name one with --config FILE.\n`)
      return exit.fault
    }
    const loaded = await loadConfig(file, { cwd: io.cwd, env: io.env })
    for (const warning of loaded.warnings) io.stderr.write(`${renderProblem(warning)}\n`)
    return await serve(loaded, io, (turnpike) => {
      io.stderr.write(`turnpike: serving ${loaded.source.file}\n${listenerLines(turnpike)}\n`)
    })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const problem of error.problems) io.stderr.write(`${renderProblem(problem)}\n`)
    return exit.fault
  }
}
