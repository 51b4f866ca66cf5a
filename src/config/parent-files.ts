import type { NamedFile } from './goproxy-files.ts'
import { treeOf } from './tree.ts'

/** Where the `parents` of an unchecked config name files. */
export function parentFiles(data: unknown): NamedFile[] {
  return Object.keys(treeOf(treeOf(data)['parents'])).flatMap((name): NamedFile[] => {
    const at = ['parents', name]
    return [
      { path: [...at, 'password', 'file'], kind: 'secret' },
      { path: [...at, 'tls', 'ca'], kind: 'certificates' },
      { path: [...at, 'tls', 'cert'], kind: 'certificates', keyPath: [...at, 'tls', 'key'] },
      { path: [...at, 'tls', 'key'], kind: 'key' },
    ]
  })
}
