import { z } from 'zod'
import { count, percentage, positiveDuration, size } from '../../core/config-fields.ts'

/** Options of `mirror`. */
export const mirrorOptions = z
  .strictObject({
    to: z.string().min(1).describe('Name under `upstreams`: where the copies go.'),
    share: percentage().prefault('100%').describe('Share of the requests that is copied, by chance.'),
    maxBody: size().prefault('64KiB').describe('Requests with a larger body are not copied.'),
    maxInFlight: count(1, 100_000).default(100).describe('Copies at once; beyond, requests are not copied.'),
    timeout: positiveDuration().prefault('10s').describe('How long a copy may take, its reply included.'),
  })
  .describe('Copies requests to another upstream, whose replies are dropped.')
