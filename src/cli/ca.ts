import { nearest } from '../core/nearest.ts'
import { command, UsageError } from './command.ts'
import type { CliIo } from './io.ts'

const usage = `Usage: turnpike ca init | export | trust …

The local certificate authority: what the forward proxy looks into tunnels with, and
what listeners on this machine can have their certificates from. Its key is made here
and goes nowhere.

  init      make one
  export    print its certificate, for those who are to trust it
  trust     have this machine trust it, or no longer

turnpike ca COMMAND --help says more.
`

type Subcommand = (args: string[], io: CliIo) => Promise<number>

const subcommands: Record<string, () => Promise<Subcommand>> = {
  init: async () => (await import('./ca-init.ts')).caInit,
  export: async () => (await import('./ca-export.ts')).caExport,
  trust: async () => (await import('./ca-trust.ts')).caTrust,
}

const none = command({ usage, options: {} }, ({ positionals: [word] }) => {
  if (word === undefined) throw new UsageError('What about it?')
  const near = nearest(word, Object.keys(subcommands))
  throw new UsageError(`There is no "turnpike ca ${word}"${near === undefined ? '' : `; did you mean "${near}"?`}`)
})

/** `turnpike ca`: the commands below it. */
export async function ca(args: string[], io: CliIo): Promise<number> {
  const [word, ...rest] = args
  const subcommand = word !== undefined && Object.hasOwn(subcommands, word) ? subcommands[word] : undefined
  return subcommand === undefined ? none(args, io) : (await subcommand())(rest, io)
}
