import { renderProblem } from '../config/errors.ts'
import { loadConfig } from '../config/load.ts'
import { command, configFile, defaultConfigText, noPositionals } from './command.ts'
import { listenerLines, serve } from './serve.ts'

const usage = `Usage: turnpike run [--config FILE]

Runs a config until SIGTERM or SIGINT, which drain; a second signal stops at once.
SIGHUP opens the log files again.

  -c, --config FILE      ${defaultConfigText}
  -h, --help             shows this

Exit code: 0 it was told to stop, 1 the config or an address is at fault, 2 wrong usage.
`

/** `turnpike run`: serves a config. */
export const run = command(
  { usage, options: { config: { type: 'string', short: 'c' } } },
  async ({ values, positionals }, io) => {
    noPositionals(positionals)
    const loaded = await loadConfig(await configFile(values.config, io), { cwd: io.cwd, env: io.env })
    for (const warning of loaded.warnings) io.stderr.write(`${renderProblem(warning)}\n`)
    return serve(loaded, io, (turnpike) => {
      io.stderr.write(`turnpike: serving ${loaded.source.file}\n${listenerLines(turnpike)}\n`)
    })
  },
)
