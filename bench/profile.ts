import { globSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { makeCertificate } from './certificate.ts'
import { startTurnpike } from './contenders/turnpike.ts'
import { runWrk } from './load/wrk.ts'
import type { Options } from './options.ts'
import { startOrigin } from './origin.ts'
import { pinnedTo, PROXY_CORE } from './processes.ts'
import { groups } from './scenarios.ts'
import { table } from './table.ts'

interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
  samples: number[]
  timeDeltas: number[]
}

const SHOWN = 40

/** Turnpike alone under one scenario's load with V8's sampling profiler: the functions by their own time. */
export async function profile(options: Options): Promise<void> {
  const scenario = groups.flat().find(({ name }) => name === (options.rest[0] ?? 'small'))
  if (scenario === undefined) throw new Error(`no scenario is called ${options.rest[0]}`)
  const folder = path.resolve(import.meta.dirname, '.work/profile')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const certificate = makeCertificate()
  const origin = await startOrigin()
  try {
    const setup = {
      originPort: origin.port,
      routes: scenario.routes,
      tls: scenario.tls ? certificate.files : null,
      wrapper: pinnedTo(PROXY_CORE),
    }
    const peer = await startTurnpike(setup, { nodeFlags: ['--cpu-prof', `--cpu-prof-dir=${folder}`] })
    const { tls, method, paths, bodyLength, connections } = scenario
    const result = await runWrk({
      port: peer.port,
      tls,
      method,
      paths,
      bodyLength,
      connections,
      seconds: options.seconds,
    })
    await peer.stop()
    console.log(`${result.requests} requests, ${result.errors} errors; with the profiler running\n`)
  } finally {
    await origin.stop()
    rmSync(certificate.folder, { recursive: true, force: true })
  }
  for (const file of globSync('*.cpuprofile', { cwd: folder })) {
    console.log(`${path.join(folder, file)}\n`)
    const parsed: CpuProfile = JSON.parse(readFileSync(path.join(folder, file), 'utf8'))
    console.log(selfTimes(parsed))
  }
}

function selfTimes({ nodes, samples, timeDeltas }: CpuProfile): string {
  const names = new Map(
    nodes.map(({ id, callFrame }) => {
      const file = callFrame.url.replace(/^.*\/dist\//, '')
      return [
        id,
        `${callFrame.functionName || '(anonymous)'} ${file}${file === '' ? '' : `:${callFrame.lineNumber + 1}`}`,
      ]
    }),
  )
  const own = new Map<string, number>()
  let whole = 0
  samples.forEach((id, at) => {
    const name = names.get(id)!
    if (/^\((?:idle|program)\) $/.test(name) && name.startsWith('(idle')) return
    const taken = timeDeltas[at]!
    whole += taken
    own.set(name, (own.get(name) ?? 0) + taken)
  })
  const rows = [...own]
    .toSorted((a, b) => b[1] - a[1])
    .slice(0, SHOWN)
    .map(([name, taken]) => [name, `${((taken / whole) * 100).toFixed(1)} %`, (taken / 1000).toFixed(0)])
  return table(['function', 'own time', 'ms'], rows)
}
