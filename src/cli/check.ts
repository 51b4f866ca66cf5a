import { parseArgs } from 'node:util'
import { ConfigError, renderProblem } from '../config/errors.ts'
import { findConfigFile } from '../config/find.ts'
import { configFileNames, loadConfig } from '../config/load.ts'
import { lintRoutes } from '../route-lints.ts'
import type { CliIo } from './io.ts'

const usage = `Usage: turnpike check [--config FILE]

Checks a config without running it: every error as FILE:LINE:COLUMN: MESSAGE [CODE],
then what is odd but not wrong.

  -c, --config FILE   default: ${configFileNames.slice(0, -1).join(', ')}
                      or ${configFileNames.at(-1)}, the first that is there
  -h, --help          shows this

Exit code: 0 the config can be run, 1 it cannot, 2 wrong usage.
`

/** `turnpike check`: 0 where the config can be run, 1 where it cannot, 2 for wrong usage. */
export async function check(args: string[], io: CliIo): Promise<number> {
  let options: { config?: string; help?: boolean }
  try {
    options = parseArgs({
      args,
      options: { config: { type: 'string', short: 'c' }, help: { type: 'boolean', short: 'h' } },
    }).values
  } catch (error) {
    io.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    return 2
  }
  if (options.help === true) {
    io.stdout.write(usage)
    return 0
  }
  const file = options.config ?? (await findConfigFile(io.cwd))
  if (file === undefined) {
    io.stderr.write(`There is no ${configFileNames.join(', ')} in this folder: name one with --config FILE.\n`)
    return 1
  }
  try {
    const { config, warnings } = await loadConfig(file, { cwd: io.cwd, env: io.env, lint: lintRoutes })
    for (const warning of warnings) io.stdout.write(`${renderProblem(warning)}\n`)
    const counts = [
      counted(Object.keys(config.listeners).length, 'listener'),
      counted(config.gateway?.routes.length ?? 0, 'route'),
      counted(Object.keys(config.gateway?.upstreams ?? {}).length, 'upstream'),
    ]
    io.stdout.write(
      `${file} is fine: ${counts.join(', ')}${warnings.length > 0 ? `; ${counted(warnings.length, 'warning')}` : ''}.\n`,
    )
    return 0
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const problem of error.problems) io.stdout.write(`${renderProblem(problem)}\n`)
    io.stderr.write(`${file} cannot be run: ${counted(error.problems.length, 'error')}.\n`)
    return 1
  }
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
