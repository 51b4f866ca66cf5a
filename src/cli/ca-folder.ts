import { TurnpikeError } from '../core/error.ts'
import { FaultError, UsageError } from './command.ts'

/** The folder that was named, or the one that the configs of the documentation name. */
export function authorityFolder(positionals: readonly string[]): string {
  if (positionals.length > 1) throw new UsageError(`${JSON.stringify(positionals[1])} is one argument too many.`)
  return positionals[0] ?? 'ca'
}

/** What is wrong with an authority, in words: an exit code of 1. */
export async function authorityFault<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise
  } catch (error) {
    if (!(error instanceof TurnpikeError)) throw error
    throw new FaultError(`turnpike: ${error.message}`, { cause: error })
  }
}
