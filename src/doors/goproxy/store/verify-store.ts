import { createHash } from 'node:crypto'
import { TurnpikeError } from '../../../core/error.ts'
import { goModH1 } from '../../../gomod/hash1.ts'
import { checkModuleZip } from '../../../gomod/zip/check-zip.ts'
import { ModuleZipError } from '../../../gomod/zip/module-zip-error.ts'
import type { ZipLimits } from '../../../gomod/zip/zip-limits.ts'
import type { ModuleStore, StoredVersion, ZipFile } from './module-store.ts'

const PIECE_BYTES = 1_048_576

/** What became of looking at one version. */
export interface VerifiedVersion {
  module: string
  version: string
  /** Bytes that were looked at. */
  bytes: number
  /** What is wrong with it; null for nothing. */
  damage: string | null
}

/** Reads all that is kept: bytes against what was committed, zips against the rules of zips and their `h1:`. In no order. */
export async function* verifyStore(store: ModuleStore, limits: ZipLimits): AsyncGenerator<VerifiedVersion> {
  for await (const module of store.modules()) {
    for (const version of await store.versions(module)) {
      const verified = await verifyVersion(store, module, version, limits)
      if (verified !== null) yield verified
    }
  }
}

/** Null where it was removed meanwhile. */
async function verifyVersion(
  store: ModuleStore,
  module: string,
  version: string,
  limits: ZipLimits,
): Promise<VerifiedVersion | null> {
  const verified: VerifiedVersion = { module, version, bytes: 0, damage: null }
  try {
    const stored = await store.get(module, version)
    if (stored === null) return null
    verified.bytes = stored.info.length + stored.mod.length + (stored.zip?.size ?? 0)
    verified.damage = metadataDamage(stored) ?? (await zipDamage(store, stored, limits))
  } catch (error) {
    if (!(error instanceof TurnpikeError) || error.code !== 'ERR_MODULE_STORE') throw error
    verified.damage = error.message
  }
  return verified
}

function metadataDamage({ info, mod, modH1, version }: StoredVersion): string | null {
  if (goModH1(mod) !== modH1) return `its go.mod is ${goModH1(mod)}, ${modH1} was committed`
  return versionIn(info) === version ? null : 'its .info is of another version'
}

function versionIn(info: Buffer): unknown {
  try {
    const parsed: unknown = JSON.parse(info.toString())
    return typeof parsed === 'object' && parsed !== null && 'Version' in parsed ? parsed.Version : null
  } catch {
    return null
  }
}

async function zipDamage(store: ModuleStore, stored: StoredVersion, limits: ZipLimits): Promise<string | null> {
  const { module, version, zip, modH1 } = stored
  if (zip === null) return null
  const file = await store.openZip(stored)
  try {
    if ((await sha256Of(file)) !== zip.sha256) return 'the bytes of its zip were changed'
    const checked = await checkModuleZip(file, module, version, limits)
    if (checked.h1 !== zip.h1) return `its zip is ${checked.h1}, ${zip.h1} was committed`
    if (checked.modH1 !== null && checked.modH1 !== modH1) return `the go.mod in its zip is not its .mod`
    return null
  } catch (error) {
    if (error instanceof ModuleZipError) return error.message
    throw error
  } finally {
    await file.close()
  }
}

async function sha256Of(file: ZipFile): Promise<string> {
  const hash = createHash('sha256')
  const piece = Buffer.allocUnsafe(PIECE_BYTES)
  for (let at = 0; ;) {
    const length = await file.read(piece, at)
    if (length === 0) return hash.digest('hex')
    hash.update(piece.subarray(0, length))
    at += length
  }
}
