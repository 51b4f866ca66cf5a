import { existsSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import { TurnpikeError } from '../core/error.ts'
import { FaultError } from './command.ts'

type GoproxyConfig = NonNullable<Config['goproxy']>

/** The same config, where its store outlives a process. Throws a FaultError. */
export function lastingStore(config: GoproxyConfig): GoproxyConfig {
  if (config.store.memory === undefined) return config
  throw new FaultError('The store is memory, which no other process sees: configure `store.disk` or `store.s3`.')
}

/** The same config, where there is a store already. Throws a FaultError. */
export function keptStore(config: GoproxyConfig): GoproxyConfig {
  const { disk } = lastingStore(config).store
  if (disk !== undefined && !existsSync(disk.path)) throw new FaultError(`There is no store at ${disk.path}.`)
  return config
}

/** What a store says it cannot do is the answer to people, and no bug. */
export async function storeFault<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof TurnpikeError && error.code === 'ERR_MODULE_STORE') {
      throw new FaultError(error.message, { cause: error })
    }
    throw error
  }
}
