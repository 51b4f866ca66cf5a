import type { Config } from './config.ts'

/** The config in effect as plain JSON: defaults in, durations in ms, sizes in bytes; secrets show as `[secret]`, files as their paths. */
export function dumpConfig(config: Config): unknown {
  return JSON.parse(JSON.stringify(config))
}
