import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { FileText } from '../core/file-text.ts'
import { parsePasswordHash } from '../core/password-hash.ts'
import { systemCode } from '../core/system-code.ts'
import type { Config } from './config.ts'
import { renderPath, type Path } from './errors.ts'
import { forwardFiles } from './forward-files.ts'
import { goproxyFiles } from './goproxy-files.ts'
import { filesIn, middlewareFiles, namedByMiddleware } from './middleware-files.ts'
import { hashOf, type FileHashes } from './file-hashes.ts'
import { parentFiles } from './parent-files.ts'
import type { Finding } from './source.ts'
import { valueAt } from './tree.ts'

/** The files that a config names, read: what is wrong with them, and their texts for the checked config. */
export interface ReadFiles {
  findings: Finding[]
  /** What stands in each, by absolute path. */
  texts: ReadonlyMap<string, string>
}

type Kind = 'certificates' | 'key' | 'secret' | 'password' | 'page' | 'text'

interface Named {
  path: Path
  file: string
  kind: Kind
  /** Where the key of a certificate is named. */
  keyPath?: Path
}

/** Reads every file that a tree names, whatever else is wrong with the tree. Paths are relative to `folder`; `hashes` takes what was read. */
export async function readFiles(data: unknown, folder: string, hashes: FileHashes): Promise<ReadFiles> {
  const named = namedFiles(data)
  const texts = new Map<string, string>()
  const findings: Finding[] = []
  const keys = new Map<string, KeyObject>()
  const report = (at: Named, message: string) =>
    findings.push({
      path: at.path,
      part: 'value',
      code: at.kind === 'secret' || at.kind === 'password' ? 'ERR_CONFIG_SECRET' : 'ERR_CONFIG_FILE',
      message: `${renderPath(at.path)}: ${message}`,
    })
  for (const each of named) {
    const absolute = resolve(folder, each.file)
    try {
      if (!texts.has(absolute)) {
        const bytes = await readFile(absolute)
        hashes.set(absolute, hashOf(bytes))
        texts.set(absolute, bytes.toString('utf8'))
      }
    } catch (error) {
      hashes.set(absolute, '')
      report(each, `${each.file} cannot be read: ${reason(error)}`)
      continue
    }
    const text = texts.get(absolute)!
    if (each.kind === 'secret' && text.trim() === '') report(each, `${each.file} is empty`)
    if (each.kind === 'password') {
      const fault = passwordFault(text)
      if (fault !== undefined) report(each, `${each.file}: ${fault}`)
    }
    if (each.kind === 'key') {
      const key = privateKey(text)
      if (typeof key === 'string') report(each, `${each.file} ${key}`)
      else keys.set(JSON.stringify(each.path), key)
    }
  }
  // Certificates come second: each is held against its key.
  for (const each of named) {
    const text = each.kind === 'certificates' ? texts.get(resolve(folder, each.file)) : undefined
    if (text === undefined) continue
    const fault = certificateFault(text, each.keyPath && keys.get(JSON.stringify(each.keyPath)))
    if (fault === keyMismatch)
      report({ ...each, path: each.keyPath! }, `it does not belong to the certificate ${each.file}`)
    else if (fault !== undefined) report(each, `${each.file} ${fault}`)
  }
  return { findings, texts }
}

function namedFiles(data: unknown): Named[] {
  const named: Named[] = []
  const add = (path: Path, kind: Kind, keyPath?: Path) => {
    const file = valueAt(data, path)
    if (typeof file === 'string' && file !== '') named.push({ path, file, kind, ...(keyPath && { keyPath }) })
  }
  for (const name of keysAt(data, ['listeners'])) {
    const tls = ['listeners', name, 'tls']
    for (const index of keysAt(data, [...tls, 'certificates'])) {
      const pair = [...tls, 'certificates', Number(index)]
      add([...pair, 'cert'], 'certificates', [...pair, 'key'])
      add([...pair, 'key'], 'key')
    }
    add([...tls, 'clientAuth', 'ca'], 'certificates')
  }
  for (const name of keysAt(data, ['gateway', 'upstreams'])) {
    const tls = ['gateway', 'upstreams', name, 'tls']
    add([...tls, 'ca'], 'certificates')
    add([...tls, 'cert'], 'certificates', [...tls, 'key'])
    add([...tls, 'key'], 'key')
  }
  add(['admin', 'token', 'file'], 'secret')
  for (const { path, kind } of middlewareFiles(data)) add(path, kind)
  for (const { path, kind, keyPath } of [...goproxyFiles(data), ...forwardFiles(data), ...parentFiles(data)])
    add(path, kind, keyPath)
  return named
}

function keysAt(data: unknown, path: Path): string[] {
  const value = valueAt(data, path)
  return typeof value === 'object' && value !== null ? Object.keys(value) : []
}

/** Puts texts, secrets and absolute paths into a checked config. */
export function fillFiles(config: Config, folder: string, texts: ReadonlyMap<string, string>): void {
  const text = (file: FileText | undefined) => {
    if (file === undefined) return
    const absolute = resolve(folder, file.path)
    file.fill(absolute, texts.get(absolute)!)
  }
  for (const { tls } of Object.values(config.listeners)) {
    for (const certificate of tls?.certificates ?? []) {
      if ('authority' in certificate) certificate.authority = resolve(folder, certificate.authority)
      else {
        text(certificate.cert)
        text(certificate.key)
      }
    }
    text(tls?.clientAuth?.ca)
  }
  for (const { tls } of Object.values(config.gateway?.upstreams ?? {})) {
    text(tls.ca)
    text(tls.cert)
    text(tls.key)
  }
  const token = config.admin?.token
  if (token !== undefined && token.file !== null) token.fill(texts.get(resolve(folder, token.file))!)
  const proxies = [
    config.goproxy,
    config.parents,
    config.forward,
    Object.values(config.listeners).map(({ auth }) => auth),
  ]
  for (const each of [...namedByMiddleware(config), ...proxies.flatMap(filesIn)]) {
    if (each instanceof FileText) text(each)
    else each.fill(texts.get(resolve(folder, each.file!))!)
  }
  const { disk } = config.goproxy?.store ?? {}
  if (disk !== undefined) disk.path = resolve(folder, disk.path)
  const { intercept, record } = config.forward ?? {}
  if (intercept !== undefined) intercept.authority = resolve(folder, intercept.authority)
  if (record !== undefined) record.flows = resolve(folder, record.flows)
  const access = config.log.access
  if (access !== null && access.to !== 'stdout' && access.to !== 'stderr') access.to = resolve(folder, access.to)
}

/** What is wrong with a password hash. */
function passwordFault(text: string): string | undefined {
  try {
    parsePasswordHash(text)
  } catch (error) {
    return error instanceof RangeError ? error.message : String(error)
  }
  return undefined
}

const keyMismatch = 'key mismatch'

/** What is wrong with a file of PEM certificates, the first of which belongs to `key`. */
function certificateFault(text: string, key: KeyObject | undefined): string | undefined {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g)
  if (blocks === null) return 'holds no PEM certificate'
  for (const [index, block] of blocks.entries()) {
    try {
      const certificate = new X509Certificate(block)
      if (index === 0 && key !== undefined && !certificate.checkPrivateKey(key)) return keyMismatch
    } catch {
      return `holds a certificate that cannot be read (number ${index + 1})`
    }
  }
  return undefined
}

/** The private key in a PEM text, or what is wrong with it. The text itself is never shown. */
function privateKey(text: string): KeyObject | string {
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) return 'holds no PEM private key'
  if (/ENCRYPTED/.test(text)) return 'holds an encrypted private key: decrypt it, nobody can type its password here'
  try {
    return createPrivateKey(text)
  } catch {
    return 'holds a private key that cannot be read'
  }
}

function reason(error: unknown): string {
  const code = systemCode(error)
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EACCES') return 'permission denied'
  if (code === 'EISDIR') return 'it is a folder'
  return code
}
