import { TurnpikeError } from '../../../core/error.ts'
import { compareVersions } from '../../../gomod/version.ts'
import type { Clone, StreamLimits } from './clone.ts'
import { ModuleAbsence } from './module-absence.ts'
import type { RemoteRefs, RemoteTag } from './remote-refs.ts'

/** A commit of a repository. */
export interface Revision {
  hash: string
  /** When it was committed, seconds since 1970. */
  timeS: number
  /** Tags of this very commit that the clone has. */
  localTags: string[]
  /** The tag that was asked for; null where it was found by a branch or a hash. */
  tag: string | null
}

/** The fewest digits of a hash that are taken for one (codehost.minHashDigits). */
const MIN_HASH_DIGITS = 7

/** What git says, in the C locale, of what is not there. The silent one is a plain no. */
const noCommit = /^fatal: (?:bad revision|bad object|ambiguous argument|not a git repository)/m
const noAncestor = /^$|^fatal: Not a valid commit name/m

/**
 * A repository as one question sees it: the remote is asked for its branches and tags at most once, commits are fetched
 * as they are needed, each as shallow as will do (cmd/go/internal/modfetch/codehost, git.go).
 */
export class GitRepository {
  private readonly clone: Clone
  private readonly signal: AbortSignal
  private asked: Promise<RemoteRefs> | null = null
  private readonly revisions = new Map<string, Promise<Revision>>()

  constructor(clone: Clone, signal: AbortSignal) {
    this.clone = clone
    this.signal = signal
  }

  get url(): string {
    return this.clone.remote.url
  }

  refs(): Promise<RemoteRefs> {
    this.asked ??= this.clone.refs(this.signal)
    return this.asked
  }

  /** Tags that begin with `prefix`, by name. */
  async tags(prefix: string): Promise<RemoteTag[]> {
    return (await this.refs()).tags(prefix)
  }

  /** The commit that a tag, a branch, `HEAD` or a hash names. Rejects with a ModuleAbsence where there is none. */
  revision(name: string): Promise<Revision> {
    let known = this.revisions.get(name)
    if (known === undefined) {
      known = this.find(name)
      this.revisions.set(name, known)
    }
    return known
  }

  /** Tags of this very commit, here or at the remote. */
  async tagsAt({ hash, localTags }: Revision): Promise<string[]> {
    return [...new Set([...localTags, ...(await this.refs()).tagsAt(hash)])].toSorted()
  }

  /** The bytes of a file; null where there is none. */
  async readFile(hash: string, path: string, maxBytes: number): Promise<Buffer | null> {
    const { signal } = this
    // The tree says whether it is there: of a blob that is damaged, git says the same as of a folder.
    const entry = await this.clone.look(['ls-tree', '-z', '--full-tree', hash, '--', path], { signal })
    const [, type, blob] = /^\d+ (\w+) (\w+)\t/.exec(entry.toString()) ?? []
    if (type !== 'blob') return null
    return this.clone.look(['cat-file', 'blob', blob!], { signal, maxBytes })
  }

  /** The highest version among the tags with this prefix that the commit has behind it; null where none is. */
  async recentTag(hash: string, prefix: string, allowed: (tag: string) => Promise<boolean>): Promise<string | null> {
    const refs = await this.refs()
    if (refs.tags(`${prefix}v`).length === 0) return null
    await this.clone.fetchAll(refs, this.signal)
    const args = ['for-each-ref', '--format=%(refname)', `--merged=${hash}`, 'refs/tags']
    const merged = await this.clone.look(args, { signal: this.signal })
    let highest = ''
    for (const ref of merged.toString().split('\n')) {
      const tag = ref.slice('refs/tags/'.length)
      if (!tag.startsWith(prefix) || compareVersions(tag.slice(prefix.length), highest) <= 0) continue
      if (await allowed(tag)) highest = tag.slice(prefix.length)
    }
    return highest === '' ? null : prefix + highest
  }

  /** Whether the tag is on the commit or behind it. */
  async descendsFrom(hash: string, tag: string): Promise<boolean> {
    const refs = await this.refs()
    const ancestor = refs.tag(tag)
    if (ancestor === undefined) return false
    const args = ['merge-base', '--is-ancestor', '--', ancestor, hash]
    const isAncestor = async (): Promise<boolean> =>
      (await this.clone.lookFor(args, noAncestor, { signal: this.signal })) !== null
    // Half a history may say no where all of it says yes, never the other way round.
    if (await isAncestor()) return true
    await this.clone.fetchAll(refs, this.signal)
    return isAncestor()
  }

  /** Writes a folder of the commit as a tar archive into `into`, as checked out with G22's settings. */
  archive(hash: string, folder: string, into: (piece: Buffer) => Promise<void>, maxBytes: number): Promise<void> {
    const limits: StreamLimits = { signal: this.signal, maxBytes }
    const paths = folder === '' ? [] : [folder]
    return this.clone.stream(['archive', '--format=tar', '--end-of-options', hash, ...paths], into, limits)
  }

  /** A path for a file of one's own beside the clone, where there is room for it. */
  scratchFile(): Promise<string> {
    return this.clone.scratchFile()
  }

  private async find(name: string): Promise<Revision> {
    // What git reads as more than a name, such as `v1.0.0~1`, is the name of nothing.
    if (/[\p{Cc} ~^:?*[\\]|\.\.|@\{/u.test(name)) throw unknownRevision(name)
    await this.clone.touch()
    const isHash = name.length >= MIN_HASH_DIGITS && /^[0-9a-f]+$/.test(name)
    if (isHash) {
      const here = await this.findHere(name, null)
      if (here?.hash.startsWith(name) === true) return here
    }
    // Tags do not change their meaning; a branch that is here may be behind.
    const tagged = await this.findHere(`refs/tags/${name}`, name)
    if (tagged !== null) return tagged
    const refs = await this.refs()
    const target = targetOf(name, refs, isHash)
    if (target.ref !== null) {
      const here = await this.findHere(target.hash, target.tag)
      if (here !== null) return here
      await this.clone.fetchCommit(target.ref, refs.hashDigits, this.signal)
      const fetched = await this.findHere(target.hash, target.tag)
      if (fetched !== null) return fetched
    }
    await this.clone.fetchAll(refs, this.signal)
    const found = await this.findHere(target.hash, target.tag)
    if (found === null) throw unknownRevision(name)
    return found
  }

  /** The commit, where the clone has it. */
  private async findHere(name: string, tag: string | null): Promise<Revision | null> {
    const args = ['log', '--no-decorate', '-n1', '--format=format:%H %ct %D', '--end-of-options', name, '--']
    const line = (await this.clone.lookFor(args, noCommit, { signal: this.signal }))?.toString() ?? ''
    // A tag of a tree or of a file has no commit.
    if (line === '') return null
    const [hash, seconds, ...names] = line.trimEnd().split(' ')
    if (hash === undefined || !/^\d+$/.test(seconds ?? '')) {
      throw new TurnpikeError('ERR_MODULE_VCS', { message: `git log answered ${JSON.stringify(line.slice(0, 80))}` })
    }
    const localTags = names.flatMap((word, at) => (names[at - 1] === 'tag:' ? [word.replace(/,$/, '')] : []))
    return { hash, timeS: Number(seconds), localTags, tag }
  }
}

interface Target {
  /** What to ask the remote for; null where only all of its history can tell. */
  ref: string | null
  hash: string
  tag: string | null
}

/** What a name means at the remote: a tag before a branch, and a hash where it is neither. */
function targetOf(name: string, refs: RemoteRefs, isHash: boolean): Target {
  for (const ref of [`refs/tags/${name}`, `refs/heads/${name}`, ...(name === 'HEAD' ? ['HEAD'] : [])]) {
    const hash = refs.hashes.get(ref)
    if (hash !== undefined) return { ref, hash, tag: ref.startsWith('refs/tags/') ? name : null }
  }
  if (!isHash || name.length > refs.hashDigits) throw unknownRevision(name)
  const named = [...refs.hashes].filter(([, hash]) => hash.startsWith(name)).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const [first] = named
  if (first === undefined) return { ref: null, hash: name, tag: null }
  if (named.some(([, hash]) => hash !== first[1])) throw new ModuleAbsence(`ambiguous revision ${name}`)
  return { ref: first[0], hash: first[1], tag: null }
}

function unknownRevision(name: string): ModuleAbsence {
  return new ModuleAbsence(`unknown revision ${name}`)
}
