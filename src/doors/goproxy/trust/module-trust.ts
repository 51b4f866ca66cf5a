/** Why a hash is believed. */
export type Verdict = 'verified' | 'private' | 'off'

/**
 * Says whether contents are what the world agreed on. Rejects with ERR_MODULE_CHECKSUM where the checksum database
 * says otherwise, ERR_SUMDB_INVALID where it contradicts itself, ERR_SUMDB_UNAVAILABLE where it could not be asked,
 * 404 where it does not know the version.
 */
export interface ModuleTrust {
  /** `h1` is that of the go.mod. */
  checkMod(module: string, version: string, h1: string, signal: AbortSignal): Promise<Verdict>
  /** `h1` is that of the zip's contents. */
  checkZip(module: string, version: string, h1: string, signal: AbortSignal): Promise<Verdict>
}
