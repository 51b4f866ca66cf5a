import type { Path } from './errors.ts'
import { treeOf } from './tree.ts'

/** A file that a config names. */
export interface NamedFile {
  path: Path
  kind: 'certificates' | 'key' | 'secret' | 'text'
  /** Where the key of a certificate is named. */
  keyPath?: Path
}

/** Where the `goproxy` block of an unchecked config names files: secrets, certificates, keys, a netrc. */
export function goproxyFiles(data: unknown): NamedFile[] {
  const goproxy = treeOf(treeOf(data)['goproxy'])
  const members = Object.keys(treeOf(goproxy['upstreams'])).flatMap((url): NamedFile[] => {
    const tls = ['goproxy', 'upstreams', url, 'tls']
    return [
      { path: [...tls, 'ca'], kind: 'certificates' },
      { path: [...tls, 'cert'], kind: 'certificates', keyPath: [...tls, 'key'] },
      { path: [...tls, 'key'], kind: 'key' },
    ]
  })
  const credentials = Array.isArray(goproxy['credentials']) ? goproxy['credentials'] : []
  const auth = treeOf(goproxy['auth'])
  return [
    ...members,
    ...credentials.flatMap((_, index): NamedFile[] => [
      secret('credentials', index, 'password'),
      { path: ['goproxy', 'credentials', index, 'sshKey'], kind: 'text' },
      { path: ['goproxy', 'credentials', index, 'knownHosts'], kind: 'text' },
    ]),
    { path: ['goproxy', 'netrc'], kind: 'text' },
    ...Object.keys(treeOf(treeOf(auth['basic'])['users'])).map((user) => secret('auth', 'basic', 'users', user)),
    ...Object.keys(treeOf(treeOf(auth['bearer'])['tokens'])).map((name) => secret('auth', 'bearer', 'tokens', name)),
    secret('store', 's3', 'secretAccessKey'),
    secret('ownSumdb', 'key'),
    secret('coordination', 'redis', 'password'),
    { path: ['goproxy', 'coordination', 'redis', 'ca'], kind: 'certificates' },
  ]
}

function secret(...path: Path): NamedFile {
  return { path: ['goproxy', ...path, 'file'], kind: 'secret' }
}
