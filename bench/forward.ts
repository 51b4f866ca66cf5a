import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { findProgram } from '../test/support/peers/require-program.ts'
import { makeCertificate } from './certificate.ts'
import { builtCommand } from './contenders/turnpike.ts'
import { forwardContenders } from './forward/contenders.ts'
import { benchIdleTunnels, benchLargeTunnel } from './forward/memory.ts'
import { forwardScenarios, measureForward, type ForwardScenario } from './forward/scenarios.ts'
import { buildTunnels, startTunnelTarget } from './load/tunnels.ts'
import type { Options } from './options.ts'
import { startOrigin } from './origin.ts'
import type { Section } from './section.ts'
import { median, pairedRatio, range } from './statistics.ts'
import { grouped, table } from './table.ts'
import { atLeast, type Target } from './target.ts'
import type { Rounds } from './throughput.ts'

/** The comparison with other forward proxies, and with what relays bytes. */
export async function* benchForward(options: Options): AsyncGenerator<Section> {
  const program = buildTunnels()
  if (program === null) throw new Error('bench forward needs Go, for its load')
  const wanted = (name: string): boolean => options.only === null || options.only.includes(name)
  const contenders = forwardContenders.filter(
    ({ name, needs }) =>
      (options.contenders === null || options.contenders.includes(name)) &&
      needs.every((each) => installed(each, name)),
  )
  const certificate = makeCertificate()
  const folder = mkdtempSync(path.join(tmpdir(), 'turnpike-bench-ca-'))
  const authority = path.join(folder, 'ca')
  if (wanted('intercept')) execFileSync(process.execPath, [builtCommand, 'ca', 'init', authority], { stdio: 'pipe' })
  const origin = await startOrigin()
  const target = await startTunnelTarget(program, certificate)
  const targets = { program, tunnelPort: target.port, tlsPort: target.tlsPort, httpPort: origin.port, authority }
  try {
    for (const scenario of forwardScenarios) {
      if (!wanted(scenario.name)) continue
      yield section(scenario, await measureForward(scenario, contenders, targets, options), options)
    }
    if (wanted('idle')) yield await benchIdleTunnels(contenders, targets)
    if (wanted('large')) yield await benchLargeTunnel(targets)
  } finally {
    await target.stop()
    await origin.stop()
    rmSync(certificate.folder, { recursive: true })
    rmSync(folder, { recursive: true })
  }
}

function installed(program: string, contender: string): boolean {
  if (findProgram(program) !== null) return true
  console.log(`${contender} is left out: ${program} is not installed`)
  return false
}

/** Of CPU time for each: more than 1 is cheaper than the other. */
function ratio(one: Rounds, other: Rounds): number {
  return pairedRatio(other.cpuMicrosecondsPerRequest, one.cpuMicrosecondsPerRequest)
}

function section(
  { name, title, unit }: ForwardScenario,
  all: readonly Rounds[],
  { rounds, seconds }: Options,
): Section {
  const turnpike = all.find(({ contender }) => contender === 'turnpike')
  const rows = all.map((each) => {
    const [lowest, highest] = range(each.cpuMicrosecondsPerRequest)
    return [
      each.contender,
      grouped(median(each.requestsPerSecond)),
      median(each.cpuMicrosecondsPerRequest).toFixed(1),
      `${lowest.toFixed(1)} – ${highest.toFixed(1)}`,
      turnpike === undefined ? '' : `${ratio(turnpike, each).toFixed(2)}×`,
      `${(median(each.busy) * 100).toFixed(0)} %`,
      String(each.errors),
    ]
  })
  return {
    title: `forward: ${title}`,
    note: `Median of ${rounds} interleaved rounds of ${seconds} s, each after 1 s that is not counted; ratios are medians of paired rounds.`,
    body: table(
      ['', `${unit}s/s`, `CPU µs/${unit}`, 'range', 'turnpike to it, per CPU-second', 'core busy', 'errors'],
      rows,
    ),
    targets: turnpike === undefined ? [] : targetsOf(name, turnpike, all),
  }
}

const least: Readonly<Record<string, readonly (readonly [contender: string, least: number])[]>> = {
  down: [
    ['nginx stream', 1],
    ['tinyproxy', 1],
    ['haproxy splice', 0.75],
  ],
  up: [
    ['nginx stream', 1],
    ['tinyproxy', 1],
    ['haproxy splice', 0.75],
  ],
  tunnels: [['squid', 1]],
  plain: [
    ['squid', 3],
    ['tinyproxy', 3],
  ],
  intercept: [['mitmproxy', 20]],
}

function targetsOf(name: string, turnpike: Rounds, all: readonly Rounds[]): Target[] {
  return (least[name] ?? []).flatMap(([contender, limit]) => {
    const other = all.find((each) => each.contender === contender)
    if (other === undefined) return []
    return [atLeast(`forward ${name}: per CPU-second, to ${contender}`, ratio(turnpike, other), limit)]
  })
}
