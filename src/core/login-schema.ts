import { z } from 'zod'
import { offOr, parsed, secret } from './config-fields.ts'

const user = parsed('a user name', (name) => {
  // RFC 7617 §2: what stands before the first colon. RFC 1929 §2: a byte says how long it is.
  if (/^[^:\p{Cc}]{1,255}$/u.test(name) && Buffer.byteLength(name) <= 255) return name
  throw new RangeError(`${JSON.stringify(name)} is not a user name: no colon, no control characters, 255 bytes at most`)
})

const basic = z.strictObject({
  users: z
    .record(user, secret())
    .refine((users) => Object.keys(users).length > 0, 'at least one user is needed')
    .describe(
      'Users with their password, or with its hash from `turnpike hash-password` or `htpasswd -B`; in place or `{ file }`.',
    ),
  realm: z
    .string()
    .regex(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/, 'a realm is printable ASCII without quotes and backslashes')
    .default('Turnpike')
    .describe('What is locked, for the login window of a browser.'),
})

const clientCertificates = z.strictObject({
  subjects: z
    .record(user, z.string().min(1))
    .optional()
    .describe(
      'Users by the subject of their certificate. Absent: who has a certificate is the user of its common name.',
    ),
})

/** How the clients of a proxy say who they are: any of the ways that are given. */
export const loginSchema = z
  .strictObject({
    basic: basic.optional().describe('User name and password: `Proxy-Authorization` (407), RFC 1929 in SOCKS5.'),
    clientCertificates: clientCertificates
      .optional()
      .describe("The client certificate of TLS to the proxy, as the listener's `tls.clientAuth` has verified it."),
  })
  .refine(({ basic: one, clientCertificates: other }) => one !== undefined || other !== undefined, {
    message: 'one of `basic` and `clientCertificates` is needed; `off` for no login',
  })

export const loginOrOff = () => offOr(loginSchema, 'a login such as { basic: { users } }')

export type LoginConfig = z.output<typeof loginSchema>
