import { loadConfig } from '../config/load.ts'
import { formatAddress } from '../core/address.ts'
import { findConfigFile } from '../config/find.ts'
import { command, FaultError, UsageError } from './command.ts'
import { exit, type CliIo } from './io.ts'
import { shellAssignment, shells, usualShell, type Shell } from './shell.ts'

const usage = `Usage: turnpike env goproxy [--shell bash|fish|powershell|cmd] [--url URL] [--config FILE]

Prints what makes the go command of a shell use the module proxy:

  eval "$(turnpike env goproxy)"

      --shell NAME       default: that of SHELL, else bash
      --url URL          default: the first goproxy listener of the config, else
                         http://127.0.0.1:3000
  -c, --config FILE      default: the config in this folder, where there is one
  -h, --help             shows this
`

/** `turnpike env`: lines for a shell. */
export const env = command(
  { usage, options: { shell: { type: 'string' }, url: { type: 'string' }, config: { type: 'string', short: 'c' } } },
  async ({ values, positionals }, io) => {
    const [what, ...more] = positionals
    if (what !== 'goproxy' || more.length > 0)
      throw new UsageError('What for? `turnpike env goproxy` is what there is.')
    const shell = values.shell ?? usualShell(io.env)
    if (!isShell(shell)) throw new UsageError(`There is no shell ${JSON.stringify(shell)}: ${shells.join(', ')}.`)
    for (const [name, value] of await variables(values, io)) io.stdout.write(`${shellAssignment(shell, name, value)}\n`)
    return exit.ok
  },
)

function isShell(name: string): name is Shell {
  return (shells as readonly string[]).includes(name)
}

async function variables(
  { url, config }: { url?: string | undefined; config?: string | undefined },
  { cwd, env: environment }: CliIo,
): Promise<[name: string, value: string][]> {
  const file = config ?? (url === undefined ? await findConfigFile(cwd) : undefined)
  if (file === undefined) return [['GOPROXY', url ?? 'http://127.0.0.1:3000']]
  const loaded = await loadConfig(file, { cwd, env: environment })
  const listener = Object.values(loaded.config.listeners).find(({ door }) => door === 'goproxy')
  if (listener === undefined && url === undefined)
    throw new FaultError(`${loaded.source.file} has no goproxy listener: say where it is with --url.`)
  const { private: patterns = [] } = loaded.config.goproxy ?? {}
  const proxy =
    url ?? `${listener!.tls === undefined ? 'http' : 'https'}://${reachable(formatAddress(listener!.address))}`
  // Private modules come through the proxy as well; no public checksum database may be asked for them.
  const forPrivate: [string, string][] = [
    ['GONOPROXY', 'none'],
    ['GONOSUMDB', patterns.join(',')],
  ]
  return [['GOPROXY', proxy], ...(patterns.length > 0 ? forPrivate : [])]
}

/** An address to listen on may be no address to go to. */
function reachable(address: string): string {
  return address.replace(/^(?:0\.0\.0\.0|\[::\])?:/, '127.0.0.1:')
}
