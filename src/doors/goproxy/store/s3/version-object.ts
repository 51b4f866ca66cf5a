import { createHash } from 'node:crypto'
import { z } from 'zod'
import { goModH1 } from '../../../../gomod/hash1.ts'
import type { StoredVersion } from '../module-store.ts'
import { damaged } from '../store-error.ts'

const text = z.string()
const size = z.int().min(0)

const versionObject = z.strictObject({
  format: z.literal(1),
  module: text,
  version: text,
  info: z.base64(),
  infoSha256: text,
  mod: z.base64(),
  modH1: text,
  zip: z.strictObject({ size, sha256: text, h1: text, etag: text }).nullable(),
  firstSeen: z.iso.datetime(),
  origin: text,
  pinned: z.boolean(),
})

/** A version with what its zip's object was when it was put. */
export interface BucketVersion {
  stored: StoredVersion
  zipEtag: string
}

/** One object holds all of a version but the zip: it is read by one request, and commits by one. */
export function writeVersionObject({ stored, zipEtag }: BucketVersion): Buffer {
  const { module, version, info, mod, modH1, zip, origin, pinned } = stored
  const object: z.input<typeof versionObject> = {
    format: 1,
    module,
    version,
    info: info.toString('base64'),
    infoSha256: sha256(info),
    mod: mod.toString('base64'),
    modH1,
    zip: zip === null ? null : { ...zip, etag: zipEtag },
    firstSeen: new Date(stored.firstSeenMs).toISOString(),
    origin,
    pinned,
  }
  return Buffer.from(`${JSON.stringify(object, null, 2)}\n`)
}

/** Throws ERR_MODULE_STORE where it is not what was put for that version. */
export function readVersionObject(bytes: Buffer, module: string, version: string): BucketVersion {
  const { data } = versionObject.safeParse(jsonOrNull(bytes))
  if (data === undefined) throw damaged(module, version, 'its object cannot be read')
  if (data.module !== module || data.version !== version) throw damaged(module, version, 'its object is of another')
  const info = Buffer.from(data.info, 'base64')
  const mod = Buffer.from(data.mod, 'base64')
  if (sha256(info) !== data.infoSha256) throw damaged(module, version, 'its .info was changed')
  if (goModH1(mod) !== data.modH1) throw damaged(module, version, 'its .mod was changed')
  const { modH1, zip, origin, pinned } = data
  return {
    stored: {
      module,
      version,
      info,
      mod,
      zip: zip === null ? null : { size: zip.size, sha256: zip.sha256, h1: zip.h1 },
      modH1,
      firstSeenMs: Date.parse(data.firstSeen),
      origin,
      pinned,
    },
    zipEtag: zip?.etag ?? '',
  }
}

function jsonOrNull(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return null
  }
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
