import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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
const ROUNDS = 3

/** A module whose requirements are a project's worth. */
const PROJECT = { module: 'google.golang.org/grpc', version: 'v1.61.0' }

/**
 * `go mod download` of a real project with an empty module cache: through each proxy when it has nothing, and when it
 * has everything. The upstream is a module cache that the go command filled, served by nginx. Null where that cannot be had.
 */
export async function benchProject(contenders: readonly ModuleContender[]): Promise<Section | null> {
  const go = goCommand()
  if (go === null) return null
  const project = mkdtempSync(path.join(tmpdir(), 'turnpike-project-'))
  const { module, version } = PROJECT
  writeFileSync(path.join(project, 'go.mod'), `module project.test\n\ngo 1.21\n\nrequire ${module} ${version}\n`)
  const download = fill(go, project)
  if (download === null) return null
  const upstream = await startNginx({
    name: 'upstream',
    wrapper: pinnedTo(LOAD_CORE),
    http: (port) => `  default_type text/plain;\n  server { listen 127.0.0.1:${port}; root ${download}; }`,
  })
  try {
    const times = (proxy: string): Promise<number> => downloadOnce(go, project, proxy)
    const url = `http://127.0.0.1:${upstream.port}`
    const caching = contenders.filter(({ caches }) => caches)
    const alone: number[] = []
    const taken = new Map(caching.map(({ name }) => [name, noTimes()]))
    // In turns: nearly all of it is the go command making files, whose price drifts.
    for (let round = 0; round < ROUNDS; round++) {
      alone.push(await times(url))
      for (const contender of caching) {
        const peer = await contender.start(download, url)
        const { cold, warm } = taken.get(contender.name)!
        try {
          cold.push(await times(`http://127.0.0.1:${peer.port}`))
          warm.push(await times(`http://127.0.0.1:${peer.port}`))
        } finally {
          await peer.stop()
        }
      }
    }
    const rows = [
      ['the upstream alone', '', median(alone).toFixed(2)],
      ...[...taken].map(([name, { cold, warm }]) => [name, median(cold).toFixed(2), median(warm).toFixed(2)]),
    ]
    return {
      title: `goproxy: go mod download of what ${module} ${version} needs`,
      note: `Wall time in seconds with an empty module cache, median of ${ROUNDS} interleaved rounds; cold: the proxy has nothing. Nearly all of it is the go command's own time, making files. The checksum database is off for all.`,
      body: table(['', 'cold s', 'warm s'], rows),
      targets: [],
    }
  } finally {
    await upstream.stop()
    rmSync(project, { recursive: true, force: true })
  }
}

function noTimes(): { cold: number[]; warm: number[] } {
  return { cold: [], warm: [] }
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

/** Has the go command fetch the project into a cache of the bench's own; the folder to serve, null where it cannot. */
function fill(go: string, project: string): string | null {
  const cache = path.resolve(import.meta.dirname, '../.work/modules')
  const env = { ...process.env, GOMODCACHE: cache, GOFLAGS: '-modcacherw -mod=mod' }
  try {
    execFileSync(go, ['mod', 'download', 'all'], { cwd: project, env, stdio: ['ignore', 'ignore', 'inherit'] })
    return path.join(cache, 'cache/download')
  } catch {
    return null
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
