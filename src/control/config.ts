import { z } from 'zod'
import { address, choice, later, offOr, secret } from '../core/config-fields.ts'

const accessLog = z.strictObject({
  to: z.string().min(1).default('stdout').describe('`stdout`, `stderr`, or a file, relative to the config file.'),
  format: choice(['json']).default('json').describe('One JSON object a line.'),
})

/** What is written down. */
export const logSchema = z.strictObject({
  access: offOr(accessLog, 'a mapping such as { to: stdout }')
    .prefault({})
    .describe('The access log, one line a request.'),
  level: choice(['debug', 'info', 'warn', 'error']).default('info').describe('Least level of the messages on stderr.'),
})

/** Where the process can be asked about itself. */
export const adminSchema = offOr(
  z.strictObject({
    address: address().describe('Where the admin API listens. Off loopback it needs `token`.'),
    token: secret()
      .optional()
      .describe('Bearer token, in place or `{ file: path }`. Absent: none is asked for, on loopback alone.'),
    use: later(),
  }),
  'a mapping such as { address: "127.0.0.1:9900" }',
)
