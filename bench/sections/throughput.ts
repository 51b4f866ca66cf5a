import type { Scenario } from '../scenarios.ts'
import type { Section } from '../section.ts'
import { median, pairedRatio, range } from '../statistics.ts'
import { grouped, table } from '../table.ts'
import { atLeast, atMost, type Target } from '../target.ts'
import { LEAD_IN_SECONDS, type Measured } from '../throughput.ts'

const slow = ['caddy', 'http-proxy', '@fastify/http-proxy']

/** One scenario as a table, with nginx as the measure. */
export function throughputSection(
  scenario: Scenario,
  all: readonly Measured[],
  rounds: number,
  seconds: number,
): Section {
  const reference = all.find((each) => each.contender === 'nginx')
  const rows = all.map((each) => {
    const [lowest, highest] = range(each.cpuMicrosecondsPerRequest)
    return [
      each.contender,
      grouped(median(each.requestsPerSecond)),
      reference === undefined ? '' : `${pairedRatio(each.requestsPerSecond, reference.requestsPerSecond).toFixed(2)}×`,
      median(each.cpuMicrosecondsPerRequest).toFixed(1),
      `${lowest.toFixed(1)} – ${highest.toFixed(1)}`,
      reference === undefined ? '' : `${perCpuSecond(each, reference).toFixed(2)}×`,
      `${(median(each.busy) * 100).toFixed(0)} %`,
      String(each.errors),
    ]
  })
  return {
    title: `${scenario.name}: ${scenario.title}`,
    note: `wrk, 1 thread, ${scenario.connections} keep-alive connections; median of ${rounds} interleaved rounds of ${seconds} s, each after ${LEAD_IN_SECONDS} s that is not counted; ratios are medians of paired rounds.`,
    body: table(
      [
        '',
        'requests/s',
        'to nginx',
        'CPU µs/request',
        'range',
        'requests per CPU-second to nginx',
        'core busy',
        'errors',
      ],
      rows,
    ),
    targets: targetsOf(scenario, all),
  }
}

/** How many requests `each` serves for the CPU time in which `reference` serves one. */
function perCpuSecond(each: Measured, reference: Measured): number {
  return pairedRatio(reference.cpuMicrosecondsPerRequest, each.cpuMicrosecondsPerRequest)
}

function targetsOf(scenario: Scenario, all: readonly Measured[]): Target[] {
  const turnpike = all.find((each) => each.contender === 'turnpike')
  if (turnpike === undefined) return []
  const targets: Target[] = []
  if (scenario.name === 'small' || scenario.name === 'tls') {
    for (const name of ['nginx', 'haproxy']) {
      const rival = all.find((each) => each.contender === name)
      if (rival === undefined) continue
      targets.push(
        atLeast(`${scenario.name}: requests per CPU-second, to ${name} (aim)`, perCpuSecond(turnpike, rival), 1),
      )
      if (name === 'nginx') {
        targets.push(
          atLeast(`${scenario.name}: requests per CPU-second, to nginx (floor)`, perCpuSecond(turnpike, rival), 0.8),
        )
      }
    }
  }
  if (scenario.name === 'small') {
    for (const rival of all.filter((each) => slow.includes(each.contender))) {
      targets.push(atLeast(`small: requests per CPU-second, to ${rival.contender}`, perCpuSecond(turnpike, rival), 5))
    }
  }
  const errors = all.reduce((sum, each) => sum + each.errors, 0)
  if (errors > 0) targets.push(atMost(`${scenario.name}: failed requests`, errors, 0, '', 0))
  return targets
}

/** What 1 000 routes cost over 10. */
export function routesSection(few: readonly Measured[], many: readonly Measured[]): Section {
  const costs = many.map((each) => {
    const reference = few.find(({ contender }) => contender === each.contender)!
    return {
      contender: each.contender,
      ratio: pairedRatio(each.cpuMicrosecondsPerRequest, reference.cpuMicrosecondsPerRequest),
    }
  })
  const own = costs.find((each) => each.contender === 'turnpike')
  return {
    title: 'routes: CPU per request with 1 000 routes over 10',
    note: 'From the two tables above, whose rounds were interleaved; median of paired rounds.',
    body: table(
      ['', '1 000 routes over 10'],
      costs.map(({ contender, ratio }) => [contender, `${ratio.toFixed(3)}×`]),
    ),
    targets: own === undefined ? [] : [atMost('routes: 1 000 over 10', own.ratio, 1.05, '×', 3)],
  }
}
