import { z } from 'zod'
import { kindOf, parsed, suggestion } from './config-fields.ts'
import { nearest } from './nearest.ts'

/** Fields that frame a message or belong to one hop (RFC 9110 §7.6.1): nobody else may write them. */
const framing = [
  'connection',
  'content-length',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

/** A field name in lower case. */
export const fieldName = parsed('a field name', (name) => {
  // RFC 9110 §5.1: a field name is a token, in any case.
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) throw new RangeError(`${JSON.stringify(name)} is not a field name`)
  return name.toLowerCase()
})

/** A field name in lower case, of a field that a config may write; `taken` are further ones that it may not. */
export const ownFieldName = (taken: readonly string[] = []) =>
  fieldName.refine((name) => !framing.includes(name) && !taken.includes(name), {
    error: ({ input }) => `${JSON.stringify(input)} is written by Turnpike itself`,
  })

/** A field value: no line ends, no control bytes. */
export const fieldValue = z
  .string({
    error: ({ input }) =>
      typeof input === 'number' || typeof input === 'boolean'
        ? `expected a field value: put it in quotes: "${input}"`
        : `expected a field value, found ${kindOf(input)}`,
  })
  .regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'a field value holds no line ends or control bytes')

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE']

/** A method that a gateway serves. */
export const method = parsed('a method', (name) => {
  if (name === 'CONNECT') throw new RangeError('CONNECT is not served by a gateway')
  if (/^[!#$%&'*+\-.^_`|~0-9A-Z]+$/.test(name)) return name
  throw new RangeError(`${JSON.stringify(name)} is not a method in capitals${suggestion(nearest(name, methods))}`)
})
