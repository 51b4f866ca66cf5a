import type { Path } from './errors.ts'
import type { NamedFile } from './goproxy-files.ts'
import { treeOf } from './tree.ts'

/** Where an unchecked config names files for the forward proxy: passwords of its users, authorities of targets. */
export function forwardFiles(data: unknown): NamedFile[] {
  const root = treeOf(data)
  const forward = treeOf(root['forward'])
  const listeners = Object.entries(treeOf(root['listeners']))
  return [
    ...passwords(['forward', 'auth'], forward['auth']),
    ...listeners.flatMap(([name, each]) => passwords(['listeners', name, 'auth'], treeOf(each)['auth'])),
    { path: ['forward', 'intercept', 'upstreamTls', 'ca'], kind: 'certificates' },
  ]
}

function passwords(path: Path, login: unknown): NamedFile[] {
  const users = treeOf(treeOf(treeOf(login)['basic'])['users'])
  return Object.keys(users).map((user) => ({ path: [...path, 'basic', 'users', user, 'file'], kind: 'secret' }))
}
