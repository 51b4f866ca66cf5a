import { z } from 'zod'
import { parsed, secret } from '../../core/config-fields.ts'
import { parsePasswordHash } from '../../core/password-hash.ts'

const user = parsed('a user name', (name) => {
  // RFC 7617 §2: what stands before the first colon.
  if (/^[^:\p{Cc}]{1,128}$/u.test(name)) return name
  throw new RangeError(`${JSON.stringify(name)} is not a user name: no colon, no control characters, 128 at most`)
})

const hash = secret().superRefine((value, context) => {
  // What stands in a file is looked at when it is read.
  if (value.file !== null) return
  try {
    parsePasswordHash(value.reveal())
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    context.addIssue({ code: 'custom', message: error.message })
  }
})

const realm = z
  .string()
  .regex(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/, 'a realm is printable ASCII without quotes and backslashes')

/** Options of `basicAuth`. */
export const basicAuthOptions = z
  .strictObject({
    users: z
      .record(user, hash)
      .refine((users) => Object.keys(users).length > 0, 'at least one user is needed')
      .describe(
        'Users with the hash of their password, in place or `{ file }`: from `turnpike hash-password` (scrypt) or `htpasswd -B` (bcrypt).',
      ),
    realm: realm.default('Restricted').describe('What is locked, for the login window of a browser.'),
    forward: z.boolean().default(false).describe('Whether the upstream gets to see the `Authorization` field.'),
  })
  .describe('Asks for a user name and a password (401); the log has the user.')
