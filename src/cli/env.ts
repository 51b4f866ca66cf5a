import { join } from 'node:path'
import { certificateFile } from '../certs/open-authority.ts'
import { loadConfig, type LoadedConfig } from '../config/load.ts'
import { formatAddress } from '../core/address.ts'
import { findConfigFile } from '../config/find.ts'
import { command, FaultError, UsageError } from './command.ts'
import { exit, type CliIo } from './io.ts'
import { shellAssignment, shells, usualShell, type Shell } from './shell.ts'

const usage = `Usage: turnpike env goproxy|forward [--shell bash|fish|powershell|cmd] [--url URL] [--config FILE]

Prints what makes the programs of a shell use the module proxy, or the forward
proxy:

  eval "$(turnpike env forward)"

      --shell NAME       default: that of SHELL, else bash
      --url URL          default: the first listener of that door in the config, else
                         http://127.0.0.1:3000 for goproxy, http://127.0.0.1:8080 for
                         forward
  -c, --config FILE      default: the config in this folder, where there is one
  -h, --help             shows this
`

/** `turnpike env`: lines for a shell. */
export const env = command(
  { usage, options: { shell: { type: 'string' }, url: { type: 'string' }, config: { type: 'string', short: 'c' } } },
  async ({ values, positionals }, io) => {
    const [door, ...more] = positionals
    if (!isDoor(door) || more.length > 0)
      throw new UsageError('What for? `turnpike env goproxy` and `turnpike env forward` are what there is.')
    const shell = values.shell ?? usualShell(io.env)
    if (!isShell(shell)) throw new UsageError(`There is no shell ${JSON.stringify(shell)}: ${shells.join(', ')}.`)
    const config = await configOf(values, io)
    const url = values.url ?? listenerUrl(door, config) ?? usualUrls[door]
    const variables = door === 'goproxy' ? moduleVariables(url, config) : proxyVariables(url, config)
    for (const [name, value] of variables) io.stdout.write(`${shellAssignment(shell, name, value)}\n`)
    return exit.ok
  },
)

const usualUrls = { goproxy: 'http://127.0.0.1:3000', forward: 'http://127.0.0.1:8080' }

function isDoor(text: string | undefined): text is keyof typeof usualUrls {
  return text === 'goproxy' || text === 'forward'
}

function isShell(name: string): name is Shell {
  return (shells as readonly string[]).includes(name)
}

/** The config that was named, or the one of this folder; null where neither a config nor a URL leaves anything to look up. */
async function configOf(
  { url, config }: { url?: string | undefined; config?: string | undefined },
  { cwd, env: environment }: CliIo,
): Promise<LoadedConfig | null> {
  const file = config ?? (url === undefined ? await findConfigFile(cwd) : undefined)
  return file === undefined ? null : loadConfig(file, { cwd, env: environment })
}

/** Null without a config. Throws a FaultError where it has no such listener. */
function listenerUrl(door: keyof typeof usualUrls, loaded: LoadedConfig | null): string | null {
  if (loaded === null) return null
  const listeners = Object.values(loaded.config.listeners)
  const listener = listeners.find((each) => each.door === door && each.mode === 'proxy')
  if (listener === undefined)
    throw new FaultError(`${loaded.source.file} has no ${door} listener: say where it is with --url.`)
  // Beside TLS, a forward proxy speaks plain text on the same port.
  const secure = listener.tls !== undefined && door === 'goproxy'
  return `${secure ? 'https' : 'http'}://${reachable(formatAddress(listener.address))}`
}

function moduleVariables(url: string, loaded: LoadedConfig | null): [name: string, value: string][] {
  const { private: patterns = [] } = loaded?.config.goproxy ?? {}
  // Private modules come through the proxy as well; no public checksum database may be asked for them.
  const forPrivate: [string, string][] = [
    ['GONOPROXY', 'none'],
    ['GONOSUMDB', patterns.join(',')],
  ]
  return [['GOPROXY', url], ...(patterns.length > 0 ? forPrivate : [])]
}

/** In both cases: curl reads `http_proxy` in lower case alone, others in upper case alone. */
function proxyVariables(url: string, loaded: LoadedConfig | null): [name: string, value: string][] {
  const authority = loaded?.config.forward?.intercept?.authority
  const values: [string, string][] = [
    ['http_proxy', url],
    ['https_proxy', url],
    ['no_proxy', 'localhost,127.0.0.1,::1'],
  ]
  return [
    ...values,
    ...values.map(([name, value]): [string, string] => [name.toUpperCase(), value]),
    // Node's own fetch and http look at the others only then.
    ['NODE_USE_ENV_PROXY', '1'],
    // The one variable that adds an authority to those that are trusted already.
    ...(authority === undefined ? [] : [['NODE_EXTRA_CA_CERTS', join(authority, certificateFile)] as [string, string]]),
  ]
}

/** An address to listen on may be no address to go to. */
function reachable(address: string): string {
  return address.replace(/^(?:0\.0\.0\.0|\[::\])?:/, '127.0.0.1:')
}
