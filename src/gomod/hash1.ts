import { createHash, hash } from 'node:crypto'

/** One file of a tree, for its `h1:`. */
export interface HashedFile {
  /** As it stands in the zip: `PATH@VERSION/dir/name`. Without line feeds. */
  name: string
  /** SHA-256 of its contents, lower case hex. */
  sha256: string
}

/** The `h1:` of a go.mod: that of a tree which has nothing else (G23). */
export function goModH1(bytes: Uint8Array): string {
  return dirHash1([{ name: 'go.mod', sha256: hash('sha256', bytes, 'hex') }])
}

/** The `h1:` of a tree of files (G23; golang.org/x/mod/sumdb/dirhash, Hash1). */
export function dirHash1(files: readonly HashedFile[]): string {
  const lines = createHash('sha256')
  for (const { name, sha256 } of inByteOrder(files)) lines.update(`${sha256}  ${name}\n`)
  return `h1:${lines.digest('base64')}`
}

/** Go sorts by the bytes of UTF-8; texts compare by those of UTF-16, which differ where there are surrogates. */
function inByteOrder(files: readonly HashedFile[]): readonly HashedFile[] {
  if (!files.some(({ name }) => /[\uD800-\uDFFF]/.test(name))) {
    return files.toSorted((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)))
  }
  const keyed = files.map((file) => ({ file, key: Buffer.from(file.name).toString('latin1') }))
  return keyed.toSorted((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key))).map(({ file }) => file)
}
