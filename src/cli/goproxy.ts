import { resolve } from 'node:path'
import type { ConfigInput } from '../config/config.ts'
import { ConfigError } from '../config/errors.ts'
import { loadConfigObject, type LoadedConfig } from '../config/load.ts'
import { formatAddress } from '../core/address.ts'
import { nearest } from '../core/nearest.ts'
import { command, FaultError, UsageError } from './command.ts'
import { goEnvironment } from './go-environment.ts'
import { defaultFolder, oneLineConfig } from './goproxy-config.ts'
import type { CliIo } from './io.ts'
import { serve } from './serve.ts'

const usage = `Usage: turnpike goproxy [--listen ADDRESS] [--dir PATH]
       turnpike goproxy warm | verify | gc | publish …

A Go module proxy in one line, kept in a folder. Its chain is GOPROXY, else what
\`go env GOPROXY\` says where Go is installed, else direct; GOPRIVATE, GONOPROXY,
GOINSECURE and GOSUMDB are taken alike.

      --listen ADDRESS   default: 127.0.0.1:3000
      --dir PATH         default: turnpike/modules in the user's cache folder
  -h, --help             shows this

  warm      fetch what a go.sum or a list names, before somebody waits for it
  verify    look at everything that is kept
  gc        remove what nobody used for long
  publish   publish a version of a private module

turnpike goproxy COMMAND --help says more.

Exit code: 0 it was told to stop, 1 the address or the chain is at fault, 2 wrong usage.
`

type Subcommand = (args: string[], io: CliIo) => Promise<number>

const subcommands: Record<string, () => Promise<Subcommand>> = {
  warm: async () => (await import('./goproxy-warm.ts')).warm,
  verify: async () => (await import('./goproxy-verify.ts')).verify,
  gc: async () => (await import('./goproxy-gc.ts')).gc,
  publish: async () => (await import('./goproxy-publish.ts')).publish,
}

const oneLine = command(
  { usage, options: { listen: { type: 'string' }, dir: { type: 'string' } } },
  async ({ values, positionals }, io) => {
    const [word] = positionals
    if (word !== undefined) {
      const near = nearest(word, Object.keys(subcommands))
      throw new UsageError(
        `There is no "turnpike goproxy ${word}"${near === undefined ? '' : `; did you mean "${near}"?`}`,
      )
    }
    const { listen = '127.0.0.1:3000' } = values
    const go = goEnvironment(io.env)
    const chain = withoutItself(go.chain, listen)
    const folder = values.dir === undefined ? defaultFolder(io) : resolve(io.cwd, values.dir)
    return serve(await load(oneLineConfig({ ...go, chain }, listen, folder), io), io, (turnpike) => {
      const url = `http://${formatAddress(turnpike.addresses.get('modules')!)}`
      const before = chain === go.chain ? '' : ` (without itself; GOPROXY was ${go.chain})`
      io.stderr.write(
        `turnpike: Go modules on ${url}\n` +
          `  chain      ${chain} (${go.source})${before}\n` +
          (go.private.length === 0 ? '' : `  private    ${go.private.join(', ')}\n`) +
          `  kept in    ${folder}\n` +
          `  use it by  export GOPROXY=${url}\n`,
      )
    })
  },
)

/** `turnpike goproxy`, and the commands below it. */
export async function goproxy(args: string[], io: CliIo): Promise<number> {
  const [word, ...rest] = args
  const subcommand = word !== undefined && Object.hasOwn(subcommands, word) ? subcommands[word] : undefined
  return subcommand === undefined ? oneLine(args, io) : (await subcommand())(rest, io)
}

/** A shell that was told to use this proxy says so in GOPROXY too: asking itself would never end. */
function withoutItself(chain: string, listen: string): string {
  const own = [`http://${listen}`, `http://localhost:${listen.split(':').at(-1)}`]
  const left = chain.split(/(?<=[,|])/).filter((member) => !own.includes(member.replace(/\/?[,|]?$/, '').trim()))
  return left.join('').replace(/[,|]$/, '') || 'direct'
}

async function load(config: ConfigInput, { cwd, env }: CliIo): Promise<LoadedConfig> {
  try {
    return await loadConfigObject(config, { cwd, env })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new FaultError(error.problems.map(({ message }) => `turnpike: ${message}`).join('\n'), { cause: error })
  }
}
