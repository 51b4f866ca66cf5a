import type { SourceFile } from './module-files.ts'

/** A file that is in memory already, as one that a module zip can be built of. */
export function memoryFile(path: string, contents: string | Buffer): SourceFile {
  const bytes = Buffer.from(contents)
  return {
    path,
    type: 'file',
    size: bytes.length,
    async *read() {
      if (bytes.length > 0) yield bytes
    },
  }
}
