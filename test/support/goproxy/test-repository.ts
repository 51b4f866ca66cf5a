import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** What a file of a commit is: text or bytes, a link, or gone. */
export type TestFile = string | Buffer | { link: string } | { executable: string } | null

const environment = {
  PATH: process.env.PATH ?? '',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ALLOW_PROTOCOL: 'file',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
}

/** A git repository that a test makes: each commit an hour after the one before. */
export class TestRepository {
  readonly folder: string
  private hours = 0

  constructor(folder: string) {
    this.folder = folder
    mkdirSync(folder, { recursive: true })
    this.git('init', '-q', '-b', 'main')
    // Bytes are committed as a test wrote them; attributes still count.
    this.git('config', 'core.autocrlf', 'false')
  }

  git(...args: string[]): string {
    const date = new Date(Date.UTC(2024, 0, 1) + this.hours * 3_600_000).toISOString()
    const env = { ...environment, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date }
    return execFileSync('git', args, {
      cwd: this.folder,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim()
  }

  /** Commits files, and gives the commit the tags; resolves with its hash. */
  commit(files: Readonly<Record<string, TestFile>>, ...tags: string[]): string {
    this.hours++
    for (const [path, content] of Object.entries(files)) this.write(join(this.folder, path), content)
    this.git('add', '-A')
    this.git('commit', '-q', '--allow-empty', '-m', `commit ${this.hours}`)
    for (const tag of tags) this.git('tag', tag)
    return this.git('rev-parse', 'HEAD')
  }

  private write(path: string, content: TestFile): void {
    rmSync(path, { recursive: true, force: true })
    if (content === null) return
    mkdirSync(dirname(path), { recursive: true })
    if (typeof content === 'string' || Buffer.isBuffer(content)) writeFileSync(path, content)
    else if ('link' in content) symlinkSync(content.link, path)
    else {
      writeFileSync(path, content.executable)
      chmodSync(path, 0o755)
    }
  }
}
