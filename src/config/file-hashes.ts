import { hash } from 'node:crypto'

/** The files that a config was read from, by absolute path: a hash of what stood there, '' where nothing could be read. */
export type FileHashes = Map<string, string>

export function hashOf(content: string | Uint8Array): string {
  return hash('sha256', content)
}
