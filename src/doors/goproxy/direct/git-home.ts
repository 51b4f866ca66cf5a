import { createHash } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FileText } from '../../../core/file-text.ts'
import type { Scope } from '../../../engine/scope.ts'

/**
 * All that git reads of a user's settings, whoever Turnpike runs as: hooks, filters, `insteadOf` and logins of that user
 * would be other people's influence on what is served. `autocrlf` and `eol` are G22's.
 */
const settings = `[core]
\thooksPath = /dev/null
\tfsmonitor = false
\tautocrlf = input
\teol = lf
\taskPass =
[safe]
\tbareRepository = all
\tdirectory = *
[protocol "ext"]
\tallow = never
[fetch]
\trecurseSubmodules = no
\twriteCommitGraph = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
[log]
\tshowSignature = false
[http]
\tproxyAuthMethod = basic
\tlowSpeedLimit = 1
\tlowSpeedTime = 60
[credential]
\thelper =
`

/** A private folder with what git and ssh are told by files; gone with the scope. */
export class GitHome {
  readonly folder: string
  /** The program that ssh reaches a host by: `tunnel HOST PORT`. */
  readonly tunnel: string

  private constructor(folder: string) {
    this.folder = folder
    this.tunnel = join(folder, 'tunnel')
  }

  static async make(scope: Scope): Promise<GitHome> {
    const folder = await mkdtemp(join(tmpdir(), 'turnpike-git-'))
    scope.use({ [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) })
    const home = new GitHome(folder)
    const script = fileURLToPath(new URL(`./ssh-tunnel${extname(import.meta.filename)}`, import.meta.url))
    await writeFile(home.settingsFile, settings)
    await writeFile(home.tunnel, `#!/bin/sh\nexec ${shellWord(process.execPath)} ${shellWord(script)} "$@"\n`)
    await chmod(home.tunnel, 0o700)
    return home
  }

  get settingsFile(): string {
    return join(this.folder, '.gitconfig')
  }

  /** The file as a private copy: ssh refuses keys that others may read, as mounted secrets often are. */
  async copyOf(file: FileText): Promise<string> {
    const path = join(this.folder, createHash('sha256').update(file.path).digest('hex'))
    await writeFile(path, file.text, { mode: 0o600 })
    return path
  }
}

/** One word for a POSIX shell. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
