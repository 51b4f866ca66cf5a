import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { ConfigError, renderProblem } from '../config/errors.ts'
import { findConfigFile } from '../config/find.ts'
import { configFileNames } from '../config/load.ts'
import { exit, type CliIo } from './io.ts'

/** The arguments are wrong: the command's usage is shown, and it ends with 2. */
export class UsageError extends Error {}

/** What was asked for cannot be done as things are: the command says why, and ends with 1. */
export class FaultError extends Error {}

interface CommandSpec<Options extends ParseArgsOptionsConfig> {
  usage: string
  options: Options
}

type Parsed<Options extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ args: string[]; allowPositionals: true; options: Options }>
>

/**
 * A command: reads its arguments, answers `--help`, and turns what is thrown into words and an exit code.
 * Anything but UsageError, FaultError and ConfigError is a bug, and is thrown on.
 */
export function command<const Options extends ParseArgsOptionsConfig>(
  { usage, options }: CommandSpec<Options>,
  body: (parsed: Parsed<Options>, io: CliIo) => Promise<number>,
): (args: string[], io: CliIo) => Promise<number> {
  return async (args, io) => {
    if (args.includes('--help') || args.includes('-h')) {
      io.stdout.write(usage)
      return exit.ok
    }
    try {
      return await body(parse(args, options), io)
    } catch (error) {
      if (error instanceof UsageError) {
        io.stderr.write(`${error.message}\n\n${usage}`)
        return exit.usage
      }
      if (error instanceof ConfigError)
        io.stderr.write(error.problems.map((each) => `${renderProblem(each)}\n`).join(''))
      else if (error instanceof FaultError) io.stderr.write(`${error.message}\n`)
      else throw error
      return exit.fault
    }
  }
}

/** For commands that take options alone. */
export function noPositionals(positionals: readonly string[]): void {
  if (positionals.length > 0) throw new UsageError(`${JSON.stringify(positionals[0])} is one argument too many.`)
}

/** The config file that was named, or the one in this folder. Throws a FaultError where there is none. */
export async function configFile(named: string | undefined, io: CliIo): Promise<string> {
  const file = named ?? (await findConfigFile(io.cwd))
  if (file !== undefined) return file
  throw new FaultError(`There is no ${configFileNames.join(', ')} in this folder: name one with --config FILE.`)
}

/** How usage texts name the config that is looked for. */
export const defaultConfigText = `default: ${configFileNames.slice(0, -1).join(', ')}
                         or ${configFileNames.at(-1)}, the first that is there`

function parse<Options extends ParseArgsOptionsConfig>(args: string[], options: Options): Parsed<Options> {
  try {
    return parseArgs({ args, allowPositionals: true, options })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}
