import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { startNginx } from '../../test/support/peers/nginx.ts'
import { LOAD_CORE, pinnedTo } from '../processes.ts'
import type { Section } from '../section.ts'
import { median } from '../statistics.ts'
import { table } from '../table.ts'
import type { ModuleContender } from './contenders.ts'

const run = promisify(execFile)
const ROUNDS = 5

/** A module whose requirements are a project's worth: found in the machine's own module cache. */
const PROJECT = { module: 'google.golang.org/grpc', version: 'v1.61.0' }

/**
 * `go mod download` of a real project with an empty module cache: through each proxy when it has nothing, and when it
 * has everything. The upstream is the machine's own module cache, served by nginx. Null where Go or the project is missing.
 */
export async function benchProject(contenders: readonly ModuleContender[]): Promise<Section | null> {
  const go = goCommand()
  if (go === null) return null
  const cache = execFileSync(go, ['env', 'GOMODCACHE'], { encoding: 'utf8' }).trim()
  const download = path.join(cache, 'cache/download')
  const { module, version } = PROJECT
  if (!existsSync(path.join(download, module, '@v', `${version}.zip`))) return null
  const upstream = await startNginx({
    name: 'upstream',
    wrapper: pinnedTo(LOAD_CORE),
    http: (port) => `  default_type text/plain;\n  server { listen 127.0.0.1:${port}; root ${download}; }`,
  })
  const project = mkdtempSync(path.join(tmpdir(), 'turnpike-project-'))
  try {
    writeFileSync(path.join(project, 'go.mod'), `module project.test\n\ngo 1.21\n\nrequire ${module} ${version}\n`)
    const times = (proxy: string): Promise<number> => downloadOnce(go, project, proxy)
    const url = `http://127.0.0.1:${upstream.port}`
    const rows: string[][] = []
    const alone: number[] = []
    for (let round = 0; round < ROUNDS; round++) alone.push(await times(url))
    rows.push(['the upstream alone', '', median(alone).toFixed(2)])
    for (const contender of contenders.filter(({ caches }) => caches)) {
      const cold: number[] = []
      const warm: number[] = []
      for (let round = 0; round < ROUNDS; round++) {
        const peer = await contender.start(download, url)
        try {
          cold.push(await times(`http://127.0.0.1:${peer.port}`))
          warm.push(await times(`http://127.0.0.1:${peer.port}`))
        } finally {
          await peer.stop()
        }
      }
      rows.push([contender.name, median(cold).toFixed(2), median(warm).toFixed(2)])
    }
    return {
      title: `goproxy: go mod download of what ${module} ${version} needs`,
      note: `Wall time in seconds with an empty module cache, median of ${ROUNDS}; cold: the proxy has nothing. The checksum database is off for all.`,
      body: table(['', 'cold s', 'warm s'], rows),
      targets: [],
    }
  } finally {
    await upstream.stop()
    rmSync(project, { recursive: true, force: true })
  }
}

async function downloadOnce(go: string, project: string, proxy: string): Promise<number> {
  const cache = mkdtempSync(path.join(tmpdir(), 'turnpike-modcache-'))
  try {
    const env = {
      ...process.env,
      GOMODCACHE: cache,
      GOPROXY: proxy,
      GOSUMDB: 'off',
      GOFLAGS: '-modcacherw -mod=mod',
      GOTOOLCHAIN: 'local',
    }
    rmSync(path.join(project, 'go.sum'), { force: true })
    const started = performance.now()
    await run('taskset', ['-c', String(LOAD_CORE), go, 'mod', 'download', 'all'], {
      cwd: project,
      env,
      maxBuffer: 1 << 24,
    })
    return (performance.now() - started) / 1000
  } finally {
    rmSync(cache, { recursive: true, force: true })
  }
}

function goCommand(): string | null {
  for (const go of ['go', '/usr/local/go/bin/go']) {
    try {
      execFileSync(go, ['version'], { stdio: 'ignore' })
      return go
    } catch {
      // Not there.
    }
  }
  return null
}
