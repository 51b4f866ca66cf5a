import { rmSync } from 'node:fs'
import { makeCertificate } from './certificate.ts'
import { chosenContenders } from './contenders/all.ts'
import { measureIdle, type IdleMemory } from './idle-memory.ts'
import { measureLatency } from './latency.ts'
import { buildFixedRate, proveFixedRate } from './load/fixed-rate.ts'
import type { Options } from './options.ts'
import { startOrigin } from './origin.ts'
import { groups } from './scenarios.ts'
import type { Section } from './section.ts'
import { idleSection } from './sections/idle.ts'
import { latencySection } from './sections/latency.ts'
import { routesSection, throughputSection } from './sections/throughput.ts'
import { median } from './statistics.ts'
import { measureThroughput, type Measured } from './throughput.ts'

const IDLE_CONNECTIONS = 4000

/** The comparison with other gateways, section by section as each is done. */
export async function* benchGateway(options: Options): AsyncGenerator<Section> {
  const wanted = (name: string): boolean => options.only === null || options.only.some((each) => name.startsWith(each))
  const contenders = chosenContenders(options.contenders)
  const certificate = makeCertificate()
  const origin = await startOrigin()
  try {
    const results = new Map<string, Measured[]>()
    for (const group of groups) {
      // Latency at half of nginx's peak needs that peak.
      const chosen = group.filter(({ name }) => wanted(name) || (name === 'small' && wanted('latency')))
      if (chosen.length === 0) continue
      const all = await measureThroughput(chosen, contenders, origin.port, certificate, options)
      for (const scenario of chosen) {
        const measured = all.filter((each) => each.scenario === scenario.name)
        results.set(scenario.name, measured)
        yield throughputSection(scenario, measured, options.rounds, options.seconds)
      }
    }
    const few = results.get('routes10')
    const many = results.get('routes1000')
    if (few !== undefined && many !== undefined) yield routesSection(few, many)
    const small = results.get('small')
    if (small !== undefined && wanted('latency')) yield* benchLatency(small)
    if (wanted('idle')) yield await benchIdle()
  } finally {
    await origin.stop()
    rmSync(certificate.folder, { recursive: true, force: true })
  }

  async function* benchLatency(small: readonly Measured[]): AsyncGenerator<Section> {
    const peaks = new Map(small.map((each) => [each.contender, median(each.requestsPerSecond)]))
    const program = buildFixedRate()
    if (program === null || !peaks.has('nginx')) {
      console.log(
        `latency is left out: ${program === null ? 'Go is not installed' : 'nginx is not among the contenders'}`,
      )
      return
    }
    await proveFixedRate(program)
    const rate = Math.round(peaks.get('nginx')! / 2)
    const able = contenders.filter(({ name }) => peaks.get(name)! >= rate)
    const left = contenders.filter((each) => !able.includes(each)).map(({ name }) => name)
    const measured = await measureLatency(program, rate, able, origin.port, options)
    yield latencySection(measured, left, rate, options.rounds, options.seconds)
  }

  async function benchIdle(): Promise<Section> {
    const all: IdleMemory[] = []
    for (const secure of [null, certificate]) {
      for (const contender of contenders.filter(({ name }) => name !== 'nginx-buffered-log')) {
        all.push(await measureIdle(contender, IDLE_CONNECTIONS, origin.port, secure))
      }
    }
    return idleSection('idle: memory of 4 000 idle connections', all, IDLE_CONNECTIONS)
  }
}
