/** Text formats of Prometheus. */
export type ExpositionFormat = 'prometheus' | 'openmetrics'

export const contentTypes: Readonly<Record<ExpositionFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

type Labels = Readonly<Record<string, string>>

/** Writes metric families in either text format; the text is taken in pieces, so that a big one holds nothing up. */
export class Exposition {
  private readonly format: ExpositionFormat
  private text = ''

  constructor(format: ExpositionFormat) {
    this.format = format
  }

  /** What was written since it was last taken. */
  take(): string {
    const { text } = this
    this.text = ''
    return text
  }

  get length(): number {
    return this.text.length
  }

  /** Begins a family; its samples follow. A counter's name ends in `_total`. */
  family(name: string, type: 'counter' | 'gauge' | 'histogram' | 'summary', help: string): void {
    // OpenMetrics 1.0 names the family of a counter without the suffix of its samples.
    const named = this.format === 'openmetrics' && type === 'counter' ? name.replace(/_total$/, '') : name
    this.text += `# HELP ${named} ${help}\n# TYPE ${named} ${type}\n`
  }

  sample(name: string, labels: string, value: number): void {
    this.text += labels === '' ? `${name} ${value}\n` : `${name}{${labels}} ${value}\n`
  }

  end(): void {
    if (this.format === 'openmetrics') this.text += '# EOF\n'
  }
}

/** Labels as samples show them. */
export function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replaceAll(/[\\"\n]/g, escaped)}"`)
    .join(',')
}

function escaped(letter: string): string {
  return letter === '\n' ? '\\n' : `\\${letter}`
}

/** A bound as both formats write it: always with a decimal point. */
export function boundText(bound: number): string {
  return Number.isInteger(bound) ? `${bound}.0` : String(bound)
}

/** OpenMetrics where the client would rather have it than plain text (RFC 9110 §12.5.1), else Prometheus 0.0.4. */
export function negotiateFormat(accept: string | undefined): ExpositionFormat {
  const weights = { prometheus: 0, openmetrics: 0 }
  for (const range of (accept ?? '').split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const given = parameters.find((parameter) => parameter.startsWith('q='))
    const weight = given === undefined ? 1 : Number(given.slice(2)) || 0
    if (type === 'application/openmetrics-text') weights.openmetrics = Math.max(weights.openmetrics, weight)
    else if (type === 'text/plain') weights.prometheus = Math.max(weights.prometheus, weight)
  }
  return weights.openmetrics > 0 && weights.openmetrics >= weights.prometheus ? 'openmetrics' : 'prometheus'
}
