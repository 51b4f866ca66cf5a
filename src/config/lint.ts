import { renderPath, type Path } from './errors.ts'
import type { Finding, Part } from './source.ts'

/** What is odd about one place of a config that can be run. */
export function lint(path: Path, part: Part, message: string): Finding {
  return { path, part, code: 'ERR_CONFIG_LINT', message: `${renderPath(path)}: ${message}` }
}
