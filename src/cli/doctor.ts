import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { findConfigFile } from '../config/find.ts'
import { loadConfig, loadConfigObject } from '../config/load.ts'
import { parseDuration } from '../core/units.ts'
import { checkModulePath } from '../gomod/module-path.ts'
import { examineModuleChain, type ChainQuestion } from '../module-doctor.ts'
import { command, FaultError, UsageError } from './command.ts'
import { goEnvironment } from './go-environment.ts'
import { exit, type CliIo } from './io.ts'
import { renderChainReport } from './render-chain-report.ts'

const usage = `Usage: turnpike doctor goproxy [CHAIN] [MODULE@VERSION]

Examines a chain of Go module proxies: says what is wrong with it, measures each
member, and replays what the go command would do to get a module. CHAIN is
GOPROXY's own syntax; default: the config's \`goproxy.chain\`, else GOPROXY, else
what \`go env GOPROXY\` says. VERSION may be a branch, a revision or latest.

  -c, --config FILE      the config with the \`goproxy\` block; default: the one in this
                         folder, where there is one
      --timeout TIME     deadline of each phase of each request; default: as configured
      --json             prints JSON
  -h, --help             shows this

Exit code: 0 nothing is wrong, 1 something is, 2 wrong usage.
`

/** `turnpike doctor goproxy`: 0 where no problem was found, 1 where one was, 2 for wrong usage. */
export const doctor = command(
  {
    usage,
    options: {
      config: { type: 'string', short: 'c' },
      timeout: { type: 'string' },
      json: { type: 'boolean' },
    },
  },
  async ({ values, positionals }, io) => {
    const [what, ...rest] = positionals
    if (what !== 'goproxy') throw new UsageError('What is ill? `turnpike doctor goproxy` is what there is.')
    const { chain, module } = subjects(rest)
    const timeoutMs = values.timeout === undefined ? null : timeout(values.timeout)
    const question = { ...(await askedChain(chain, values.config, io)), module, timeoutMs }
    const report = await examineModuleChain(question)
    const isColoured = io.stdout.isTTY === true && !io.env['NO_COLOR']
    io.stdout.write(
      values.json === true ? `${JSON.stringify(report, null, 2)}\n` : renderChainReport(report, isColoured),
    )
    return report.findings.some(({ level }) => level === 'problem') ? exit.fault : exit.ok
  },
)

function subjects(positionals: readonly string[]): { chain: string | null; module: ChainQuestion['module'] } {
  const modules = positionals.filter((each) => /^[^@,|]+@[^@,|]+$/.test(each) && !each.includes('://'))
  const chains = positionals.filter((each) => !modules.includes(each))
  if (modules.length > 1 || chains.length > 1) throw new UsageError('One CHAIN and one MODULE@VERSION are enough.')
  const [path, query] = modules[0]?.split('@') ?? []
  if (path === undefined || query === undefined) return { chain: chains[0] ?? null, module: null }
  const wrong = checkModulePath(path)
  if (wrong !== null) throw new UsageError(`${path} is no module path: ${wrong}.`)
  return { chain: chains[0] ?? null, module: { path, query } }
}

function timeout(text: string): number {
  try {
    return parseDuration(text)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new UsageError(`--timeout: ${error.message}`, { cause: error })
  }
}

type Asked = Pick<ChainQuestion, 'chain' | 'source' | 'config' | 'settings'>

/** The chain to examine, and what it is asked with: a config's, else what the go command would go by. */
async function askedChain(argument: string | null, named: string | undefined, io: CliIo): Promise<Asked> {
  const file = named ?? (await findConfigFile(io.cwd))
  if (file !== undefined) {
    const { config, source } = await loadConfig(file, { cwd: io.cwd, env: io.env })
    const { goproxy } = config
    if (goproxy !== undefined)
      return {
        chain: argument ?? goproxy.chain,
        source: sourceOf(argument, source.file),
        config: goproxy,
        settings: null,
      }
    if (named !== undefined) throw new FaultError(`${source.file} has no \`goproxy\` block.`)
  }
  const go = goEnvironment(io.env)
  return {
    chain: argument ?? go.chain,
    source: sourceOf(argument, go.source),
    config: await asGo(go, io),
    settings: {
      ...go.settings,
      HTTP_PROXY: io.env['HTTP_PROXY'] ?? io.env['http_proxy'] ?? '',
      HTTPS_PROXY: io.env['HTTPS_PROXY'] ?? io.env['https_proxy'] ?? '',
    },
  }
}

function sourceOf(argument: string | null, otherwise: string): string {
  return argument === null ? otherwise : 'argument'
}

/** The config that asks as the go command would. */
async function asGo(go: ReturnType<typeof goEnvironment>, io: CliIo): Promise<NonNullable<Config['goproxy']>> {
  const netrc = await netrcFile(io)
  const { config } = await loadConfigObject(
    {
      listeners: { modules: { address: '127.0.0.1:0', door: 'goproxy' } },
      goproxy: {
        private: go.private,
        insecure: go.insecure,
        sumdb: go.sumdb,
        ...(netrc !== null && { netrc }),
      },
      admin: 'off',
    },
    { cwd: io.cwd, env: io.env },
  )
  return config.goproxy!
}

/** Where the go command looks for logins (cmd/go/internal/auth). Null where there is none. */
async function netrcFile({ env }: CliIo): Promise<string | null> {
  const file = env['NETRC'] || join(env['HOME'] ?? homedir(), '.netrc')
  try {
    await readFile(file)
    return file
  } catch {
    return null
  }
}
