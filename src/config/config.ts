import type { z } from 'zod'
import type { configSchema } from './schema.ts'

/** A checked config: defaults applied, durations in milliseconds, sizes in bytes, `off` as null, files read. */
export type Config = z.output<typeof configSchema>

/** A config as people write it. */
export type ConfigInput = z.input<typeof configSchema>
