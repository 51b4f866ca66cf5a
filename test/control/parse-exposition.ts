/** One family of metrics, as a scraper understands it. */
export interface Family {
  type: string
  help: string
  samples: { name: string; labels: Record<string, string>; value: number }[]
}

const suffixes: Record<string, readonly string[]> = {
  counter: ['_total'],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
}

/**
 * Reads Prometheus 0.0.4 or OpenMetrics 1.0 text and refuses whatever either format forbids: samples
 * outside their family, families twice, samples twice, wrong suffixes, histograms that do not add up.
 */
export function parseExposition(text: string, openMetrics: boolean): Map<string, Family> {
  const families = new Map<string, Family>()
  const seen = new Set<string>()
  if (!text.endsWith('\n')) throw new Error('does not end in a newline')
  const lines = text.slice(0, -1).split('\n')
  if (openMetrics && lines.pop() !== '# EOF') throw new Error('does not end in # EOF')
  let current = ''
  for (const [index, line] of lines.entries()) {
    const refuse = (why: string): never => {
      throw new Error(`line ${index + 1}: ${why}: ${line}`)
    }
    const help = /^# HELP ([a-z_]+) ([^\\"]+)$/.exec(line)
    if (help !== null) {
      current = help[1]!
      if (families.has(current)) refuse('family twice')
      families.set(current, { type: '', help: help[2]!, samples: [] })
      continue
    }
    const type = /^# TYPE ([a-z_]+) (counter|gauge|histogram|summary)$/.exec(line)
    const family = families.get(current) ?? refuse('before any family')
    if (type !== null) {
      if (type[1] !== current || family.type !== '') refuse('TYPE out of place')
      family.type = type[2]!
      continue
    }
    const sample = /^([a-z_]+)(?:\{(.*)\})? (-?\d+(?:\.\d+)?(?:e[+-]\d+)?)$/.exec(line) ?? refuse('no sample')
    const [, name = '', labelText = '', value] = sample
    const base = !openMetrics && family.type === 'counter' ? current.replace(/_total$/, '') : current
    if (!suffixes[family.type]!.some((suffix) => name === base + suffix)) refuse(`not of the family ${current}`)
    const labels: Record<string, string> = {}
    const rest = labelText.replaceAll(
      /([a-z_]+)="((?:[^"\\\n]|\\[\\"n])*)"(?:,(?=[a-z])|$)/g,
      (_all, key: string, raw: string) => {
        if (key in labels) refuse('label twice')
        labels[key] = raw.replaceAll(/\\(.)/g, (_pair, letter: string) => (letter === 'n' ? '\n' : letter))
        return ''
      },
    )
    if (rest !== '') refuse('labels')
    if ('le' in labels !== name.endsWith('_bucket')) refuse('le')
    if (seen.has(`${name}{${labelText}}`)) refuse('sample twice')
    seen.add(`${name}{${labelText}}`)
    if (family.type !== 'gauge' && Number(value) < 0) refuse('negative')
    family.samples.push({ name, labels, value: Number(value) })
  }
  for (const [name, family] of families) {
    if (family.type === '') throw new Error(`${name} has no type`)
    if (openMetrics && name.endsWith('_total')) throw new Error(`${name}: OpenMetrics families have no suffix`)
    if (family.type === 'histogram') checkHistogram(name, family)
  }
  return families
}

function checkHistogram(name: string, { samples }: Family): void {
  const bySeries = new Map<string, { buckets: [number, number][]; count: number | null; sum: number | null }>()
  for (const sample of samples) {
    const { le, ...labels } = sample.labels
    const key = JSON.stringify(labels)
    const series = bySeries.get(key) ?? { buckets: [], count: null, sum: null }
    bySeries.set(key, series)
    if (le !== undefined) {
      if (!/^(?:\d+\.\d+|\+Inf)$/.test(le)) throw new Error(`${name}: le ${le}`)
      series.buckets.push([le === '+Inf' ? Infinity : Number(le), sample.value])
    } else if (sample.name.endsWith('_count')) series.count = sample.value
    else series.sum = sample.value
  }
  for (const [key, { buckets, count, sum }] of bySeries) {
    for (let at = 1; at < buckets.length; at++) {
      const [bound, value] = buckets[at]!
      const [lower, below] = buckets[at - 1]!
      if (bound <= lower || value < below) throw new Error(`${name}${key}: buckets are not cumulative`)
    }
    const last = buckets.at(-1)
    if (last === undefined || last[0] !== Infinity || last[1] !== count)
      throw new Error(`${name}${key}: +Inf is not the count`)
    if (sum === null || (count === 0 && sum !== 0)) throw new Error(`${name}${key}: sum`)
  }
}
