import type { ConfigInput } from './config/config.ts'

export type { Config, ConfigInput } from './config/config.ts'
export { TurnpikeError } from './core/error.ts'
export type { ErrorCode } from './core/error-codes.ts'
export { createTurnpike } from './turnpike.ts'
export type { StopReport, Turnpike, TurnpikeOptions } from './turnpike.ts'

/** A config with its types checked, for `turnpike.config.ts`. Returns what it is given. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config
}
