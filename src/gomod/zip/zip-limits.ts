/** Bounds on a module zip, in bytes. */
export interface ZipLimits {
  /** Of the file, and of its contents together. */
  zip: number
  /** Of its go.mod. */
  mod: number
}

/** Those of the go command (G21). */
export const goZipLimits: ZipLimits = { zip: 500 * 1024 * 1024, mod: 16 * 1024 * 1024 }

/** Of a LICENSE in a module's root, bytes (G21). */
export const LICENSE_LIMIT = 16 * 1024 * 1024

/**
 * Entries of a zip, the bytes of its directory and those of one name: what the memory to check it is bounded by. Go has
 * no such bounds; the largest modules have some 30 000 files, and no file system takes longer paths.
 */
export const ENTRY_LIMIT = 200_000
export const DIRECTORY_LIMIT = 64 * 1024 * 1024
export const NAME_LIMIT = 4096
