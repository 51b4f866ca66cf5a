import { createHash } from 'node:crypto'
import { FileText } from '../core/file-text.ts'
import type { Config } from './config.ts'
import { namedByMiddleware } from './middleware-files.ts'

/** The config in effect as plain JSON: defaults in, durations in ms, sizes in bytes; secrets show as `[secret]`, files as their paths. */
export function dumpConfig(config: Config): unknown {
  return JSON.parse(JSON.stringify(config))
}

/**
 * A hash of what a config says and of the certificates and pages that it names: equal for configs that behave alike.
 * Values of secrets and private keys do not count, so that it can be shown; a change of a secret alone
 * does not change it.
 */
export function configRevision(config: Config): string {
  const hash = createHash('sha256').update(JSON.stringify(config))
  for (const { tls } of Object.values(config.listeners)) {
    for (const { cert } of tls?.certificates ?? []) hash.update(cert.text)
    if (tls?.clientAuth !== undefined) hash.update(tls.clientAuth.ca.text)
  }
  for (const { tls } of Object.values(config.gateway?.upstreams ?? {})) {
    for (const file of [tls.ca, tls.cert]) if (file !== undefined) hash.update(file.text)
  }
  for (const file of namedByMiddleware(config)) if (file instanceof FileText) hash.update(file.text)
  return hash.digest('hex').slice(0, 16)
}
