import { z } from 'zod'
import { damaged } from './store-error.ts'

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const h1 = z.string().regex(/^h1:[A-Za-z0-9+/]{43}=$/)
const bytes = z.int().min(0)

const manifest = z.strictObject({
  format: z.literal(1),
  module: z.string(),
  version: z.string(),
  info: z.strictObject({ size: bytes, sha256 }),
  mod: z.strictObject({ size: bytes, sha256, h1 }),
  zip: z.strictObject({ size: bytes, sha256, h1 }).nullable(),
  firstSeen: z.iso.datetime(),
  origin: z.string(),
})

/** What was committed of a version: what lies beside it in files must agree with this. */
export type Manifest = z.output<typeof manifest>

export function writeManifest(value: Manifest): Buffer {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`)
}

/** Throws ERR_MODULE_STORE where it is not the manifest of that version. */
export function readManifest(text: Buffer, module: string, version: string): Manifest {
  const { data } = manifest.safeParse(jsonOrNull(text))
  if (data === undefined) throw damaged(module, version, 'its manifest cannot be read')
  if (data.module !== module || data.version !== version) throw damaged(module, version, 'its manifest is of another')
  return data
}

function jsonOrNull(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString())
  } catch {
    return null
  }
}
