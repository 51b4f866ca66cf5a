import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { certificateFile } from './certs/open-authority.ts'
import type { Config } from './config/config.ts'
import { renderPath, type Path } from './config/errors.ts'
import type { Finding } from './config/source.ts'

/** Local authorities that a config names and that are still to be made: it can be checked without, and not be run. */
export function lintAuthorities({ listeners, forward }: Config): Finding[] {
  const named: { path: Path; folder: string }[] = Object.entries(listeners).flatMap(([name, { tls }]) =>
    (tls?.certificates ?? []).flatMap((certificate, index) =>
      'authority' in certificate
        ? [{ path: ['listeners', name, 'tls', 'certificates', index, 'authority'], folder: certificate.authority }]
        : [],
    ),
  )
  const { intercept } = forward ?? {}
  if (intercept !== undefined) named.push({ path: ['forward', 'intercept', 'authority'], folder: intercept.authority })
  return named
    .filter(({ folder }) => !existsSync(join(folder, certificateFile)))
    .map(({ path, folder }) => ({
      path,
      part: 'value',
      code: 'ERR_CONFIG_LINT',
      message: `${renderPath(path)}: there is no authority yet: \`turnpike ca init ${folder}\` makes it`,
    }))
}
