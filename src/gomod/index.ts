/**
 * Go modules without Go: paths, versions, patterns, module proxies' lists, go.mod files. Pure; nothing is fetched. What it
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
