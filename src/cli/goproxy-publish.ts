import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { TurnpikeError } from '../core/error.ts'
import { canonicalVersion } from '../gomod/version.ts'
import { ModuleZipError } from '../gomod/zip/module-zip-error.ts'
import { parseProxyList } from '../gomod/proxy-list.ts'
import { publishModule, type PublishReport } from '../module-publisher.ts'
import { command, FaultError, UsageError } from './command.ts'
import { goEnvironment } from './go-environment.ts'
import { exit, type CliIo } from './io.ts'

const usage = `Usage: turnpike goproxy publish [--to URL] [--module-dir DIR] VERSION

Publishes a version of a private module to a module proxy: the zip is made as the
go command would make it, checked, and sent. In a git work tree it is made from the
tag of the version; elsewhere, and with --as-is, from the folder as it is.

      --to URL           the proxy; default: the first URL of GOPROXY
      --module-dir DIR   the folder with the go.mod; default: this one
      --as-is            what is in the folder, whatever git says
      --dry-run          makes and checks the zip, and sends nothing
  -h, --help             shows this

Who publishes is proved by the token in TURNPIKE_TOKEN, else by the netrc file's
login for the proxy's host ($NETRC, else ~/.netrc). Neither is sent over plain http
but to this machine.

Exit code: 0 the proxy keeps this very version, 1 it does not, 2 wrong usage.
`

/** `turnpike goproxy publish`. */
export const publish = command(
  {
    usage,
    options: {
      to: { type: 'string' },
      'module-dir': { type: 'string' },
      'as-is': { type: 'boolean' },
      'dry-run': { type: 'boolean' },
    },
  },
  async ({ values, positionals }, io) => {
    const [version, ...more] = positionals
    if (version === undefined || more.length > 0) throw new UsageError('One VERSION is needed, such as v1.2.3.')
    if (canonicalVersion(version) !== version) throw new UsageError(`${version} is no version such as v1.2.3.`)
    const to = values['dry-run'] === true ? null : proxyOf(values.to, io)
    const credentials = to === null ? { token: null, netrc: '' } : await credentialsFor(to, io)
    const folder = resolve(io.cwd, values['module-dir'] ?? '.')
    const report = await published({ folder, version, asIs: values['as-is'] === true, to, ...credentials })
    io.stdout.write(`${report.module} ${report.version} ${report.h1}\n`)
    io.stderr.write(`${said(report, to)}\n`)
    return exit.ok
  },
)

async function published(publication: Parameters<typeof publishModule>[0]): Promise<PublishReport> {
  try {
    return await publishModule(publication)
  } catch (error) {
    if (!(error instanceof TurnpikeError) && !(error instanceof ModuleZipError)) throw error
    throw new FaultError(error.message, { cause: error })
  }
}

function said({ sent, size }: PublishReport, to: URL | null): string {
  if (to === null) return `Nothing was sent: its zip has ${size} bytes.`
  return sent === 'published' ? `Published to ${to.host}.` : `${to.host} has it already, and it is the same.`
}

/** Throws a UsageError for what is no address, a FaultError where none is known. */
function proxyOf(named: string | undefined, { env }: CliIo): URL {
  const text = named ?? firstProxy(goEnvironment(env).chain)
  if (text === null) throw new FaultError('GOPROXY has no URL to publish to: name one with --to URL.')
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) throw new UsageError(`${JSON.stringify(text)} is no http URL.`)
  if (url.username !== '' || url.password !== '') {
    throw new UsageError('Credentials belong into TURNPIKE_TOKEN or a netrc file, not into the URL.')
  }
  return url
}

function firstProxy(chain: string): string | null {
  const member = parseProxyList(chain).members.find(({ url }) => /^https?:/.test(url))
  return member?.url ?? null
}

/** None over plain http to another machine: whoever listens could publish then (G2). */
async function credentialsFor(to: URL, { env }: CliIo): Promise<{ token: string | null; netrc: string }> {
  const token = env['TURNPIKE_TOKEN'] || null
  const isSafe = to.protocol === 'https:' || /^(?:localhost|127\.[\d.]+|\[::1\])$/.test(to.hostname)
  if (!isSafe && token !== null) throw new FaultError(`TURNPIKE_TOKEN is not sent over plain http to ${to.host}.`)
  if (!isSafe || token !== null) return { token, netrc: '' }
  const file = env['NETRC'] || join(env['HOME'] ?? homedir(), '.netrc')
  const netrc = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw new FaultError(`${file}: ${error.message}`, { cause: error })
  })
  return { token, netrc }
}
