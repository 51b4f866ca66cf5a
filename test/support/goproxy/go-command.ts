import { execFile } from 'node:child_process'
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { findProgram } from '../peers/require-program.ts'

/** How the go command is set up. */
export interface GoSettings {
  /** GOPROXY: nothing is fetched from anywhere else. */
  proxy: string
  /** GOSUMDB. Default: `off`. */
  sumdb?: string
  /** Further variables. */
  env?: Readonly<Record<string, string>>
}

export interface GoResult {
  /** Exit code. */
  code: number
  stdout: string
  stderr: string
}

/** The real go command with caches and an environment of its own, in a module of its own. */
export class GoCommand {
  /** Where the module is. */
  readonly folder: string
  /** Its module cache. */
  readonly modCache: string
  /** Its variables, such as GOPROXY: a test may change them. */
  readonly env: Record<string, string>

  private constructor(home: string, { proxy, sumdb = 'off', env = {} }: GoSettings) {
    this.folder = join(home, 'main')
    this.modCache = join(home, 'mod')
    this.env = {
      PATH: process.env.PATH ?? '',
      HOME: home,
      GOPATH: join(home, 'go'),
      GOMODCACHE: this.modCache,
      GOCACHE: join(home, 'build'),
      GOENV: 'off',
      // What is in the cache can be removed again.
      GOFLAGS: '-mod=mod -modcacherw',
      GOTOOLCHAIN: 'local',
      GOTELEMETRY: 'off',
      GOPROXY: proxy,
      GOSUMDB: sumdb,
      GOVCS: '*:off',
      GIT_TERMINAL_PROMPT: '0',
      NO_PROXY: '*',
      ...env,
    }
  }

  /** Gone with the test. The program must be there: `requireProgram(t, 'go')`. */
  static async make(t: TestContext, settings: GoSettings): Promise<GoCommand> {
    const home = await mkdtemp(join(tmpdir(), 'turnpike-go-'))
    t.after(() => rm(home, { recursive: true, force: true, maxRetries: 3 }))
    const go = new GoCommand(home, settings)
    await mkdir(go.folder, { recursive: true })
    await writeFile(join(go.folder, 'go.mod'), 'module example.com/main\n\ngo 1.21\n')
    return go
  }

  /** Resolves whatever its exit code is. */
  run(...args: string[]): Promise<GoResult> {
    const { promise, resolve, reject } = Promise.withResolvers<GoResult>()
    const options = { cwd: this.folder, env: this.env, maxBuffer: 16 * 1024 * 1024, timeout: 60_000 }
    execFile(findProgram('go') ?? 'go', args, options, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr })
      else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr })
      else reject(error)
    })
    return promise
  }

  /** Forgets every module, and what was seen of the checksum database where `sumdb` is true. */
  async forget({ sumdb = false } = {}): Promise<void> {
    await rm(this.modCache, { recursive: true, force: true })
    await rm(join(this.folder, 'go.sum'), { force: true })
    if (sumdb) await rm(join(this.env.GOPATH!, 'pkg/sumdb'), { recursive: true, force: true })
  }
}
