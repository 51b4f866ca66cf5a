import { FileText } from '../core/file-text.ts'
import { Secret } from '../core/secret.ts'
import type { Config } from './config.ts'
import type { Path } from './errors.ts'
import { writtenMiddleware } from './middleware-places.ts'
import { middlewareUses } from './middleware-uses.ts'
import { isTree, treeOf } from './tree.ts'

/** Where the middleware of an unchecked config names files: of password hashes, and of pages. */
export function middlewareFiles(data: unknown): { path: Path; kind: 'password' | 'page' }[] {
  return writtenMiddleware(data).flatMap(({ path, tree }) => {
    const users = Object.keys(treeOf(treeOf(tree['basicAuth'])['users']))
    const pages = Object.keys(treeOf(treeOf(tree['errorPages'])['pages']))
    return [
      ...users.map((user) => ({ path: [...path, 'basicAuth', 'users', user, 'file'], kind: 'password' as const })),
      ...pages.flatMap((status) =>
        ['html', 'json'].map((type) => ({
          path: [...path, 'errorPages', 'pages', status, type],
          kind: 'page' as const,
        })),
      ),
    ]
  })
}

/** Every file that the middleware of a checked config names, to be filled with what stands there. */
export function namedByMiddleware(config: Config): (FileText | Secret)[] {
  return middlewareUses(config).flatMap((use) => ('kind' in use ? filesIn(use.options) : []))
}

/** Every file that a part of a checked config names. */
export function filesIn(value: unknown): (FileText | Secret)[] {
  if (value instanceof FileText) return [value]
  if (value instanceof Secret) return value.file === null ? [] : [value]
  if (Array.isArray(value)) return value.flatMap(filesIn)
  return isTree(value) ? Object.values(value).flatMap(filesIn) : []
}
