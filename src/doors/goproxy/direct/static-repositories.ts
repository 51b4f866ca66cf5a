import { ModuleAbsence } from './module-absence.ts'

/** Where a path alone says that its code is (cmd/go/internal/vcs, vcsPaths). */
export interface StaticRepository {
  root: string
  vcs: string
  /** Without its scheme. */
  address: string
  /** Whether only trying says by which protocol it is reached. */
  anyProtocol: boolean
}

interface Site {
  host: string
  /** What is a repository's path there, from the host on. */
  root: RegExp
  vcs: string
  /** Whether repositories are named without `.git`. */
  plain?: boolean
}

const sites: readonly Site[] = [
  { host: 'github.com', root: /^github\.com\/[\w.-]+\/[\w.-]+/, vcs: 'git', plain: true },
  { host: 'bitbucket.org', root: /^bitbucket\.org\/[\w.-]+\/[\w.-]+/, vcs: 'git', plain: true },
  { host: 'hub.jazz.net/git', root: /^hub\.jazz\.net\/git\/[a-z0-9]+\/[\w.-]+/, vcs: 'git', plain: true },
  { host: 'git.apache.org', root: /^git\.apache\.org\/[a-z0-9_.-]+\.git(?=\/|$)/, vcs: 'git' },
  { host: 'git.openstack.org', root: /^git\.openstack\.org\/[\w.-]+\/[\w.-]+/, vcs: 'git' },
  { host: 'chiselapp.com', root: /^chiselapp\.com\/user\/[A-Za-z0-9]+\/repository\/[\w.-]+$/, vcs: 'fossil' },
]

const systems = ['bzr', 'fossil', 'git', 'hg', 'svn']
const element = /^~?[\w.-]+$/

/** Null where the host has to be asked. Throws a ModuleAbsence for what can be no path of a known host. */
export function staticRepository(module: string): StaticRepository | null {
  const site = sites.find(({ host }) => module === host || module.startsWith(`${host}/`))
  if (site === undefined) return bySuffix(module)
  const root = site.root.exec(module)?.[0]
  const below = root === undefined ? [] : module.slice(root.length).split('/').slice(1)
  if (root === undefined || !below.every((each) => /^[\w.-]+$/.test(each))) {
    throw new ModuleAbsence(`invalid ${site.host} import path ${JSON.stringify(module)}`, 'module')
  }
  if (site.plain === true && systems.some((vcs) => root.endsWith(`.${vcs}`))) {
    throw new ModuleAbsence(`invalid version control suffix in ${site.host}/ path`, 'module')
  }
  return { root, vcs: site.vcs, address: root, anyProtocol: false }
}

/** `example.com/team/repo.git/folder`: the first element that ends with a system's name is the repository. */
function bySuffix(module: string): StaticRepository | null {
  const [host = '', ...path] = module.split('/')
  if (!/^[a-z0-9.-]+$/.test(host) || !/[^.]\.[^.]/.test(host) || !path.every((each) => element.test(each))) return null
  const at = path.findIndex((each) => systems.some((vcs) => each.length > vcs.length + 1 && each.endsWith(`.${vcs}`)))
  if (at < 0) return null
  const root = [host, ...path.slice(0, at + 1)].join('/')
  const dot = root.lastIndexOf('.')
  return { root, vcs: root.slice(dot + 1), address: root.slice(0, dot), anyProtocol: true }
}
