import { TurnpikeError } from '../../../core/error.ts'
import type { World } from '../../../engine/world.ts'
import type { ModulePatterns } from '../../../gomod/module-pattern.ts'
import type { Discovery } from './discovery.ts'
import { checkRemote, type GitRemote } from './git-remote.ts'
import { ModuleAbsence } from './module-absence.ts'
import { staticRepository } from './static-repositories.ts'

/** Where the code of a module is: a repository, or another module proxy. */
export type CodePlace =
  | { kind: 'git'; remote: GitRemote; root: string; subdirectory: string }
  | { kind: 'proxy'; url: URL; insecure: boolean }

/** What a finder asks. */
export interface FinderParts {
  /** Git URLs by the path prefix whose code they have. */
  repositories: Readonly<Record<string, string>>
  insecure: ModulePatterns
  discovery: Discovery
  /** Whether git reaches a remote: resolves, or rejects with why not. */
  reach: (remote: GitRemote, signal: AbortSignal) => Promise<void>
  world: World
}

/** Hosts do not move often; the go command asks once a run. */
const KNOWN_FOR_MS = 600_000
const MAX_KNOWN = 10_000

/** Finds the repository of a module: by the config, by its path, by asking its host (cmd/go/internal/vcs, RepoRootForImportPath). */
export class RepositoryFinder {
  private readonly parts: FinderParts
  private readonly known = new Map<string, { place: CodePlace; untilMs: number }>()

  constructor(parts: FinderParts) {
    this.parts = parts
  }

  /** Rejects with a ModuleAbsence where the module has none, with a TurnpikeError where that cannot be told. */
  async find(module: string, signal: AbortSignal): Promise<CodePlace> {
    const nowMs = this.parts.world.now()
    const known = this.known.get(module)
    if (known !== undefined && nowMs < known.untilMs) return known.place
    const place = this.configured(module) ?? (await this.discovered(module, signal))
    this.known.delete(module)
    this.known.set(module, { place, untilMs: nowMs + KNOWN_FOR_MS })
    const [oldest] = this.known.keys()
    if (this.known.size > MAX_KNOWN) this.known.delete(oldest!)
    return place
  }

  /** The longest prefix of the config's own. */
  private configured(module: string): CodePlace | null {
    const { repositories, insecure } = this.parts
    const roots = Object.keys(repositories).filter((root) => module === root || module.startsWith(`${root}/`))
    const root = roots.toSorted((a, b) => b.length - a.length)[0]
    if (root === undefined) return null
    const remote = checkRemote(repositories[root]!, insecure.matches(module), 'config')
    return { kind: 'git', remote, root, subdirectory: '' }
  }

  private async discovered(module: string, signal: AbortSignal): Promise<CodePlace> {
    const insecure = this.parts.insecure.matches(module)
    const fixed = staticRepository(module)
    if (fixed !== null) {
      onlyGit(fixed.vcs)
      const { root, address, anyProtocol } = fixed
      const remote = anyProtocol
        ? await this.reached(address, insecure, signal)
        : checkRemote(`https://${address}`, insecure, 'discovery')
      return { kind: 'git', remote, root, subdirectory: '' }
    }
    const { prefix, vcs, root, subdirectory } = await this.parts.discovery.find(module, insecure, signal)
    if (vcs === 'mod') return { kind: 'proxy', url: proxyUrl(root, insecure), insecure }
    onlyGit(vcs)
    return { kind: 'git', remote: checkRemote(root, insecure, 'discovery'), root: prefix, subdirectory }
  }

  /** By the first protocol that works, as the go command tries them; says of the first why none does. */
  private async reached(address: string, insecure: boolean, signal: AbortSignal): Promise<GitRemote> {
    const schemes = insecure ? ['https', 'http', 'ssh'] : ['https', 'ssh']
    const remotes = schemes.map((scheme) => checkRemote(`${scheme}://${address}`, insecure, 'discovery'))
    for (const remote of remotes) {
      try {
        await this.parts.reach(remote, signal)
        return remote
      } catch (error) {
        if (signal.aborted) throw error
      }
    }
    return remotes[0]!
  }
}

function onlyGit(vcs: string): void {
  if (vcs === 'git') return
  const known = ['hg', 'svn', 'bzr', 'fossil'].includes(vcs)
  if (!known) throw new ModuleAbsence(`unknown vcs ${JSON.stringify(vcs)}`, 'module')
  throw new TurnpikeError('ERR_MODULE_VCS', { retry: false, message: `The code is kept by ${vcs}; only git is read.` })
}

function proxyUrl(text: string, insecure: boolean): URL {
  if (URL.canParse(text)) {
    const url = new URL(text)
    const secure = url.protocol === 'https:' || (url.protocol === 'http:' && insecure)
    if (secure && url.username === '' && url.password === '') return url
  }
  throw new TurnpikeError('ERR_MODULE_VCS', {
    retry: false,
    message: 'The module proxy that go-import names is refused: it is no https URL without credentials.',
  })
}
