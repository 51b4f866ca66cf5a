import { createHash } from 'node:crypto'
import { TurnpikeError } from '../../../core/error.ts'

/** More branches and tags than any repository of Go modules has. */
const MAX_REFS = 200_000

/** A tag, with the commit it leads to. */
export interface RemoteTag {
  name: string
  hash: string
}

/** The branches and tags of a remote, and its HEAD, as `git ls-remote` tells them; annotated tags by what they lead to. */
export class RemoteRefs {
  /** Full name, `HEAD` or `refs/…`, to hash. */
  readonly hashes: ReadonlyMap<string, string>
  private sumText: string | null = null

  constructor(hashes: ReadonlyMap<string, string>) {
    this.hashes = hashes
  }

  /** Names all of it: equal where nothing changed. */
  get sum(): string {
    if (this.sumText === null) {
      const sum = createHash('sha256')
      for (const [name, hash] of [...this.hashes].toSorted(([a], [b]) => (a < b ? -1 : 1)))
        sum.update(`${name} ${hash}\n`)
      this.sumText = sum.digest('hex')
    }
    return this.sumText
  }

  /** Hexadecimal digits of a hash: 40 of SHA-1, 64 of SHA-256. */
  get hashDigits(): number {
    for (const hash of this.hashes.values()) return hash.length
    return 40
  }

  tag(name: string): string | undefined {
    return this.hashes.get(`refs/tags/${name}`)
  }

  /** Tags that begin with `prefix`, by name. */
  tags(prefix: string): RemoteTag[] {
    const start = `refs/tags/${prefix}`
    const found: RemoteTag[] = []
    for (const [ref, hash] of this.hashes) {
      if (ref.startsWith(start)) found.push({ name: ref.slice('refs/tags/'.length), hash })
    }
    return found.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  tagsAt(hash: string): string[] {
    return this.tags('').flatMap((tag) => (tag.hash === hash ? [tag.name] : []))
  }
}

/** Reads what `git ls-remote` writes, piece by piece. */
export class RefReader {
  private readonly hashes = new Map<string, string>()
  private readonly peeled = new Map<string, string>()
  private rest = ''

  /** Throws ERR_MODULE_TOO_LARGE where there are too many. */
  read(piece: Buffer): void {
    const lines = (this.rest + piece.toString('latin1')).split('\n')
    this.rest = lines.pop()!
    for (const line of lines) this.line(line)
    if (this.hashes.size > MAX_REFS) {
      throw new TurnpikeError('ERR_MODULE_TOO_LARGE', {
        message: `The repository has more than ${MAX_REFS} branches and tags.`,
      })
    }
  }

  end(): RemoteRefs {
    this.line(this.rest)
    for (const [name, hash] of this.peeled) this.hashes.set(name, hash)
    return new RemoteRefs(this.hashes)
  }

  private line(line: string): void {
    const tab = line.indexOf('\t')
    const hash = line.slice(0, tab)
    // Names in UTF-8, as arguments and as module paths have them.
    const name = Buffer.from(line.slice(tab + 1), 'latin1').toString()
    if (!/^[0-9a-f]{40,64}$/.test(hash)) return
    if (name !== 'HEAD' && !name.startsWith('refs/heads/') && !name.startsWith('refs/tags/')) return
    if (name.endsWith('^{}')) this.peeled.set(name.slice(0, -'^{}'.length), hash)
    else this.hashes.set(name, hash)
  }
}
