import { findProgram } from '../test/support/peers/require-program.ts'
import { startNginx } from '../test/support/peers/nginx.ts'
import { benchCold } from './goproxy/cold.ts'
import { moduleContenders, startTurnpike } from './goproxy/contenders.ts'
import { benchMemory } from './goproxy/memory.ts'
import { benchProject } from './goproxy/project.ts'
import { filePath, makeTree, SMALL } from './goproxy/tree.ts'
import { measureWarm, warmScenarios, type WarmScenario } from './goproxy/warm.ts'
import { buildFixedRate, proveFixedRate, runFixedRate, type Latencies } from './load/fixed-rate.ts'
import type { Options } from './options.ts'
import { LOAD_CORE, pinnedTo } from './processes.ts'
import type { Section } from './section.ts'
import { median, pairedRatio, range } from './statistics.ts'
import { grouped, table } from './table.ts'
import { atLeast, atMost, type Target } from './target.ts'
import type { Rounds } from './throughput.ts'

/** What a caching proxy in Go does on one core: to be beaten at a 99th percentile under 10 ms. */
const WANTED_RATE = 12_380

/** The comparison with other module proxies, and with nginx serving the same files. */
export async function* benchGoproxy(options: Options): AsyncGenerator<Section> {
  const wanted = (name: string): boolean => options.only === null || options.only.some((each) => name.startsWith(each))
  const contenders = moduleContenders.filter(
    ({ name, needs }) =>
      (options.contenders === null || options.contenders.includes(name)) &&
      needs.every((each) => installed(each, name)),
  )
  const tree = await makeTree()
  const upstream = await startNginx({
    name: 'upstream',
    wrapper: pinnedTo(LOAD_CORE),
    http: (port) => `  default_type text/plain;\n  server { listen 127.0.0.1:${port}; root ${tree.folder}; }`,
  })
  const url = `http://127.0.0.1:${upstream.port}`
  try {
    for (const scenario of warmScenarios) {
      if (!wanted(scenario.name)) continue
      const measured = await measureWarm(scenario, contenders, { tree: tree.folder, upstream: url, ...options })
      yield warmSection(scenario, measured, options)
    }
    if (wanted('latency')) yield* latency(url, options)
    if (wanted('cold')) yield await benchCold(contenders, tree.folder)
    if (wanted('memory')) yield await benchMemory(tree.folder, url)
    if (wanted('project')) {
      const section = await benchProject(contenders)
      if (section === null) console.log('project is left out: Go, or the project in its module cache, is missing')
      else yield section
    }
  } finally {
    await upstream.stop()
    tree.remove()
  }
}

function installed(program: string, contender: string): boolean {
  if (findProgram(program) !== null) return true
  console.log(`${contender} is left out: ${program} is not installed`)
  return false
}

/** Of CPU time for each request: more than 1 is cheaper than the other. */
function ratio(one: Rounds, other: Rounds): number {
  return pairedRatio(other.cpuMicrosecondsPerRequest, one.cpuMicrosecondsPerRequest)
}

function warmSection({ name, title }: WarmScenario, all: readonly Rounds[], { rounds, seconds }: Options): Section {
  const large = name === 'large' || name === 'zip'
  const of = (contender: string) => all.find((each) => each.contender === contender)
  const nginx = of('nginx')
  const rows = all.map((each) => {
    const [lowest, highest] = range(each.cpuMicrosecondsPerRequest)
    return [
      each.contender,
      grouped(median(each.requestsPerSecond)),
      median(each.cpuMicrosecondsPerRequest).toFixed(1),
      `${lowest.toFixed(1)} – ${highest.toFixed(1)}`,
      nginx === undefined ? '' : `${ratio(each, nginx).toFixed(2)}×`,
      `${(median(each.busy) * 100).toFixed(0)} %`,
      String(each.errors),
    ]
  })
  return {
    title: `goproxy: ${title}`,
    note: `wrk, 1 thread; every contender has it already; median of ${rounds} interleaved rounds of ${seconds} s, each after 1 s that is not counted; ratios are medians of paired rounds.`,
    body: table(['', 'requests/s', 'CPU µs/request', 'range', 'per CPU-second, to nginx', 'core busy', 'errors'], rows),
    targets: targetsOf(name, all, large),
  }
}

function targetsOf(name: string, all: readonly Rounds[], large: boolean): Target[] {
  const of = (contender: string) => all.find((each) => each.contender === contender)
  const turnpike = of('turnpike')
  if (turnpike === undefined) return []
  const targets: [contender: string, least: number][] = large
    ? [['nginx-sendfile-off', 0.9]]
    : [
        ['nginx', 0.8],
        ['goproxy', 5],
        ['athens', 10],
      ]
  return targets.flatMap(([contender, least]) => {
    const other = of(contender)
    return other === undefined
      ? []
      : [atLeast(`goproxy ${name}: per CPU-second, to ${contender}`, ratio(turnpike, other), least)]
  })
}

async function* latency(upstream: string, { rounds, seconds }: Options): AsyncGenerator<Section> {
  const program = buildFixedRate()
  if (program === null) {
    console.log('latency is left out: Go is not installed')
    return
  }
  await proveFixedRate(program)
  const peer = await startTurnpike(upstream)
  try {
    const asked = filePath(SMALL, 'info')
    await (await fetch(`http://127.0.0.1:${peer.port}${asked}`)).arrayBuffer()
    const measured: Latencies[] = []
    for (let round = 0; round < rounds; round++)
      measured.push(await runFixedRate(program, peer.port, WANTED_RATE, seconds, asked))
    const of = (key: 'p50' | 'p99' | 'p999') => median(measured.map((each) => each[key]))
    const errors = measured.reduce((sum, each) => sum + each.errors, 0)
    yield {
      title: 'goproxy: latency of a warm .info at a fixed arrival rate',
      note: `${grouped(WANTED_RATE)} requests/s on one core; milliseconds from the intended send time; median of ${rounds} rounds of ${seconds} s.`,
      body: table(
        ['', 'p50 ms', 'p99 ms', 'p99.9 ms', 'errors'],
        [['turnpike', ...(['p50', 'p99', 'p999'] as const).map((key) => of(key).toFixed(3)), String(errors)]],
      ),
      targets: [atMost(`goproxy: p99 at ${grouped(WANTED_RATE)} requests/s`, of('p99'), 10, ' ms', 2)],
    }
  } finally {
    await peer.stop()
  }
}
