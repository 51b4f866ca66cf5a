import { z } from 'zod'
import { parsed, positiveDuration } from '../../core/config-fields.ts'
import { fieldName } from '../../core/field-schemas.ts'

const origin = parsed('an origin such as https://app.example.com', (text) => {
  const shown = JSON.stringify(text)
  if (text === '*') return text
  // Every sandboxed frame and every local file has this origin.
  if (text === 'null') throw new RangeError('"null" is the origin of whoever wants to have it')
  const wildcard = /^([a-z][a-z0-9+.-]*):\/\/\*\.(.+)$/i.exec(text)
  const url = URL.parse(wildcard === null ? text : `${wildcard[1]}://${wildcard[2]}`)
  if (url === null || url.host === '' || url.host.includes('*'))
    throw new RangeError(`${shown} is not an origin: write https://app.example.com or https://*.example.com`)
  if (wildcard !== null && !url.hostname.includes('.'))
    throw new RangeError(`${shown} is everybody below a top-level domain`)
  if (!/^[^/]+:\/\/[^/]+$/.test(text)) throw new RangeError(`${shown} has more than scheme, host and port`)
  // As a browser sends it: lower case, without the scheme's own port.
  return `${url.protocol}//${wildcard === null ? '' : '*.'}${url.host}`
})

const method = parsed('a method', (name) => {
  if (/^[!#$%&'*+\-.^_`|~0-9A-Z]+$/.test(name) && name !== '*') return name
  throw new RangeError(`${JSON.stringify(name)} is not a method in capitals`)
})

/** Options of `cors`. */
export const corsOptions = z
  .strictObject({
    origins: z
      .array(origin)
      .min(1)
      .describe(
        'Origins whose pages may read replies: `https://app.example.com`, `https://*.example.com`, or `*` for all.',
      ),
    methods: z.array(method).min(1).prefault(['GET', 'HEAD', 'POST']).describe('Methods that these pages may use.'),
    headers: z.array(fieldName).prefault([]).describe('Request fields that they may set, beside the harmless ones.'),
    exposeHeaders: z
      .array(fieldName)
      .prefault([])
      .describe('Reply fields that they may read, beside the harmless ones.'),
    credentials: z
      .boolean()
      .default(false)
      .describe('Whether they may send cookies and other credentials. Not with the origin `*`.'),
    maxAge: positiveDuration()
      .optional()
      .describe('How long a browser may keep the answer to a preflight. Absent: its own default.'),
    privateNetwork: z
      .boolean()
      .default(false)
      .describe('Whether pages of the public internet may reach this where it is on a private network.'),
  })
  .superRefine(({ origins, credentials }, context) => {
    const star = origins.indexOf('*')
    if (star < 0) return
    // Fetch §3.3.5: with credentials a star is no wildcard, and to reflect any origin would be worse.
    const message = credentials
      ? 'with `credentials` the origins must be named'
      : '"*" is every origin: it stands alone'
    if (credentials || origins.length > 1) context.addIssue({ code: 'custom', message, path: ['origins', star] })
  })
  .describe('Tells browsers which pages of other origins may read replies (CORS); answers preflights.')
