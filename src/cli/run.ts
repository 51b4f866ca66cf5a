import { renderProblem } from '../config/errors.ts'
import { loadConfig } from '../config/load.ts'
import { loadOffLoop } from '../load-off-loop.ts'
import type { Turnpike } from '../turnpike.ts'
import { command, configFile, defaultConfigText, noPositionals } from './command.ts'
import { listenerLines, serve } from './serve.ts'

const usage = `Usage: turnpike run [--config FILE]

Runs a config until SIGTERM or SIGINT, which drain; a second signal stops at once.
The config is read again when one of its files changes, and on SIGHUP and SIGUSR2;
SIGHUP also opens the log files again.

  -c, --config FILE      ${defaultConfigText}
  -h, --help             shows this

Exit code: 0 it was told to stop, 1 the config or an address is at fault, 2 wrong usage.
`

/** `turnpike run`: serves a config. */
export const run = command(
  { usage, options: { config: { type: 'string', short: 'c' } } },
  async ({ values, positionals }, io) => {
    noPositionals(positionals)
    const file = await configFile(values.config, io)
    const { cwd, env } = io
    const loaded = await loadConfig(file, { cwd, env })
    for (const warning of loaded.warnings) io.stderr.write(`${renderProblem(warning)}\n`)
    const started = (turnpike: Turnpike): void => {
      io.stderr.write(`turnpike: serving ${loaded.source.file}\n${listenerLines(turnpike)}\n`)
    }
    return serve(loaded, io, started, (context) => loadOffLoop(file, { cwd, env }, context))
  },
)
