import { z } from 'zod'
import { cidrs } from '../../core/config-fields.ts'

/** Options of `ipFilter`. */
export const ipFilterOptions = z
  .strictObject({
    allow: cidrs().optional().describe('Ranges of client addresses that are let in, and no others. Absent: all.'),
    deny: cidrs().prefault([]).describe('Ranges that are kept out, whatever `allow` says.'),
  })
  .refine(
    ({ allow, deny }) => allow !== undefined || deny.size > 0,
    'it lets everybody in: `allow` or `deny` is needed',
  )
  .describe('Lets in some client addresses and keeps others out (403).')
