import { lintAuthorities } from '../authority-lints.ts'
import type { Config } from '../config/config.ts'
import { ConfigError, renderProblem } from '../config/errors.ts'
import { loadConfig } from '../config/load.ts'
import { livenessNotes } from '../config/probe-arithmetic.ts'
import type { Finding } from '../config/source.ts'
import { tryMiddleware } from '../middleware-trial.ts'
import { lintRoutes } from '../route-lints.ts'
import { command, configFile, defaultConfigText, noPositionals } from './command.ts'
import { exit } from './io.ts'

/** What is odd, as far as the config alone does not show it. */
const lint = (config: Config): Finding[] => [...lintRoutes(config), ...lintAuthorities(config)]

const usage = `Usage: turnpike check [--config FILE]

Checks a config without running it: every error as FILE:LINE:COLUMN: MESSAGE [CODE],
then what is odd but not wrong.

  -c, --config FILE      ${defaultConfigText}
  -h, --help             shows this

Exit code: 0 the config can be run, 1 it cannot, 2 wrong usage.
`

/** `turnpike check`: 0 where the config can be run, 1 where it cannot, 2 for wrong usage. */
export const check = command(
  { usage, options: { config: { type: 'string', short: 'c' } } },
  async ({ values, positionals }, io) => {
    noPositionals(positionals)
    const file = await configFile(values.config, io)
    try {
      const { config, warnings } = await loadConfig(file, { cwd: io.cwd, env: io.env, lint })
      await tryMiddleware(config)
      for (const warning of warnings) io.stdout.write(`${renderProblem(warning)}\n`)
      for (const note of livenessNotes(config)) io.stdout.write(`${note}\n`)
      const counts = [
        counted(Object.keys(config.listeners).length, 'listener'),
        counted(config.gateway?.routes.length ?? 0, 'route'),
        counted(Object.keys(config.gateway?.upstreams ?? {}).length, 'upstream'),
      ]
      const odd = warnings.length > 0 ? `; ${counted(warnings.length, 'warning')}` : ''
      io.stdout.write(`${file} is fine: ${counts.join(', ')}${odd}.\n`)
      return exit.ok
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      // What was asked for is the result, and stands on standard output.
      for (const problem of error.problems) io.stdout.write(`${renderProblem(problem)}\n`)
      io.stderr.write(`${file} cannot be run: ${counted(error.problems.length, 'error')}.\n`)
      return exit.fault
    }
  },
)

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
