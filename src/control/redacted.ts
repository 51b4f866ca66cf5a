import { Secret } from '../core/secret.ts'

const hidden = '[secret]'
const secretName = /(?:secret|token|password|passwd|passphrase|authorization|cookie|credential|apikey|privatekey)$/i
const userInfo = /(\/\/)[^/?#@\s]{1,256}@/g

/** The same fields as plain data, without what should not be seen: secrets, values named like one, users in URLs. */
export function redacted(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, redactedValue(name, value)]))
}

function redactedValue(name: string, value: unknown): unknown {
  if (value instanceof Secret) return hidden
  if (typeof value === 'string') return secretName.test(name) ? hidden : value.replaceAll(userInfo, `$1${hidden}@`)
  if (Array.isArray(value)) return value.map((each: unknown) => redactedValue(name, each))
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if ('toJSON' in value && typeof value.toJSON === 'function') return redactedValue(name, value.toJSON())
  return redacted({ ...value })
}
