import { z } from 'zod'
import { choice, file, parsed, secret } from '../../core/config-fields.ts'
import { CidrSet } from '../../core/address.ts'
import { parseParentUrl } from '../../core/parent-url.ts'

const exception = parsed('a host or an address range', (text) => {
  if (text.includes('/')) void new CidrSet([text])
  else if (!/^(?:\*?\.)?[A-Za-z0-9._:-]+$/.test(text))
    throw new RangeError(`${JSON.stringify(text)} is neither a host, nor *.domain, nor an address range`)
  return text.toLowerCase()
})

const parentTls = z.strictObject({
  ca: file().optional().describe("PEM file with the authorities that are trusted. Absent: the machine's."),
  cert: file().optional().describe('PEM file with a client certificate.'),
  key: file().optional().describe('PEM file with its private key.'),
  minVersion: choice(['1.2', '1.3']).default('1.2').describe('Lowest TLS version accepted.'),
  verify: z.boolean().default(true).describe('Whether its certificate is verified.'),
})

/** Another proxy that connections can go through. */
export const parentSchema = z.strictObject({
  url: parsed('the URL of a proxy', parseParentUrl, 'URL').describe(
    'Where it is: `http://`, `https://`, `socks5://` or `socks4://` with host and port. HTTP ones are asked by CONNECT; names are resolved there.',
  ),
  username: z.string().min(1).optional().describe('User name. Absent: none is given.'),
  password: secret().optional().describe('Password. SOCKS4 has none.'),
  tls: parentTls.prefault({}).describe('TLS towards an `https://` one.'),
  except: z
    .array(exception)
    .prefault([])
    .describe('Targets that are reached without it: `a.example`, `*.internal.example`, `10.0.0.0/8`.'),
})

export type ParentConfig = z.output<typeof parentSchema>
