/**
 * Go modules without Go: paths, versions, patterns, lists of proxies, files, zips, checksum databases. What it
 * says agrees with `golang.org/x/mod` and the go command.
 */
export {
  checkFilePath,
  checkImportPath,
  checkModulePath,
  escapePath,
  splitPathVersion,
  unescapePath,
} from './module-path.ts'
export type { SplitPath } from './module-path.ts'
export {
  canonicalVersion,
  checkPathMajor,
  compareVersions,
  escapeVersion,
  isCanonical,
  parseVersion,
  sortVersions,
  unescapeVersion,
} from './version.ts'
export type { Version } from './version.ts'
export {
  isPseudoVersion,
  pseudoVersion,
  pseudoVersionBase,
  pseudoVersionRevision,
  pseudoVersionTime,
} from './pseudo-version.ts'
export { ModulePatterns } from './module-pattern.ts'
export { parseProxyList } from './proxy-list.ts'
export type { ProxyList, ProxyListMember } from './proxy-list.ts'
export { readGoMod, syntheticGoMod } from './go-mod-file.ts'
export type { GoModFile, Retraction } from './go-mod-file.ts'
export { readGoImports } from './go-import.ts'
export type { GoImport } from './go-import.ts'
export { generateSignerKey, readSignerKey, readVerifierKey } from './sumdb/note-key.ts'
export type { Signer, Verifier } from './sumdb/note-key.ts'
export { openNote, signNote } from './sumdb/note.ts'
export type { Note, NoteSignature } from './sumdb/note.ts'
export { formatTreeHead, parseTreeHead } from './sumdb/tree-head.ts'
export type { TreeHead } from './sumdb/tree-head.ts'
export { emptyTreeHash, nodeHash, recordHash, treeHash } from './sumdb/tree-hash.ts'
export type { HashReader } from './sumdb/tree-hash.ts'
export { checkRecord, checkTree, proveRecord, proveTree } from './sumdb/proof.ts'
export { splitStoredHashIndex, storedHashCount, storedHashIndex } from './sumdb/stored-hashes.ts'
export { parseTilePath, tilePath, tileWidth } from './sumdb/tile.ts'
export type { Tile } from './sumdb/tile.ts'
export { TreeTiles } from './sumdb/tree-tiles.ts'
export type { TileSource } from './sumdb/tree-tiles.ts'
export { formatDataTile, formatRecord, parseDataTile, parseRecord, recordHashes } from './sumdb/sum-record.ts'
export type { SumRecord } from './sumdb/sum-record.ts'
export { SumdbClient } from './sumdb/sumdb-client.ts'
export type { SumdbPorts } from './sumdb/sumdb-ports.ts'
export { SumdbLog } from './sumdb/sumdb-log.ts'
export type { LogHead, LogStorage } from './sumdb/sumdb-log.ts'
export { SumdbError } from './sumdb/sumdb-error.ts'
export { dirHash1, goModH1 } from './hash1.ts'
export type { HashedFile } from './hash1.ts'
export { checkModuleZip } from './zip/check-zip.ts'
export type { CheckedZip } from './zip/check-zip.ts'
export { buildModuleZip } from './zip/build-zip.ts'
export type { BuiltZip, ModuleSource } from './zip/build-zip.ts'
export type { Omission, SourceFile } from './zip/module-files.ts'
export { MemoryAccess } from './zip/random-access.ts'
export type { RandomAccess } from './zip/random-access.ts'
export { goZipLimits } from './zip/zip-limits.ts'
export type { ZipLimits } from './zip/zip-limits.ts'
export { ModuleZipError } from './zip/module-zip-error.ts'
