import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { findProgram } from '../peers/require-program.ts'
import type { GitSite } from './git-site.ts'

/** What `go mod download -json` says of one module. */
export interface Downloaded {
  Path: string
  Version?: string
  Query?: string
  Error?: string
  /** Names of files. */
  Info?: string
  GoMod?: string
  Zip?: string
  Sum?: string
  GoModSum?: string
}

/** The real go command with `GOPROXY=direct`, for which the site is the whole internet, and nothing is cached from before. */
export class GoDirect {
  private readonly folder: string
  private readonly env: NodeJS.ProcessEnv

  constructor(t: TestContext, site: GitSite, env: NodeJS.ProcessEnv = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'turnpike-go-direct-'))
    t.after(() => rmSync(this.folder, { recursive: true, force: true }))
    const own = (name: string): string => {
      const path = join(this.folder, name)
      mkdirSync(path)
      return path
    }
    writeFileSync(join(own('work'), 'go.mod'), 'module work.test\n')
    this.env = {
      PATH: `${process.env.PATH ?? ''}:/usr/local/go/bin`,
      HOME: own('home'),
      GOPATH: own('path'),
      GOCACHE: own('cache'),
      GOENV: 'off',
      GOPROXY: 'direct',
      GOSUMDB: 'off',
      GOTOOLCHAIN: 'local',
      GOFLAGS: '-modcacherw -mod=mod',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_SSL_CAINFO: site.authority.certFile,
      SSL_CERT_FILE: site.authority.certFile,
      HTTPS_PROXY: site.proxyUrl,
      HTTP_PROXY: site.proxyUrl,
      ...env,
    }
  }

  /** Of `MODULE@QUERY`s, in that order. */
  async download(...modules: string[]): Promise<Downloaded[]> {
    return objects<Downloaded>(await this.run('mod', 'download', '-json', ...modules))
  }

  /** The versions that it lists of each; throws where it cannot. */
  async versions(...modules: string[]): Promise<string[][]> {
    const output = await this.run('list', '-m', '-e', '-versions', '-retracted', '-json', ...modules)
    return objects<{ Versions?: string[]; Error?: { Err: string } }>(output).map(({ Versions = [], Error: error }) => {
      if (error !== undefined) throw new Error(error.Err)
      return Versions
    })
  }

  private run(...args: string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const options = { cwd: join(this.folder, 'work'), env: this.env, maxBuffer: 64 * 1024 * 1024 }
      execFile(findProgram('go') ?? '/usr/local/go/bin/go', args, options, (error, stdout, stderr) => {
        // It ends with 1 where one of many modules failed, and says so for each.
        if (stdout !== '') resolve(stdout)
        else reject(new Error(`go ${args.join(' ')}: ${stderr}`, { cause: error }))
      })
    })
  }
}

/** The go command writes objects one behind the other. */
function objects<T>(output: string): T[] {
  const list: T[] = JSON.parse(`[${output.replaceAll(/^\}\n(?=\{)/gm, '},\n')}]`)
  return list
}
