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

/** Entries of a zip. Go has no such bound; the module with most files has some tens of thousands. */
export const ENTRY_LIMIT = 1_000_000
