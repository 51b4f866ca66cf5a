import type { ChainReport, Finding, Measured, MemberMeasurement, Replay } from '../module-doctor.ts'

type Paint = (text: string, colour: 'red' | 'yellow' | 'green' | 'bold') => string

const codes = { red: 31, yellow: 33, green: 32, bold: 1 } as const

/** What the doctor says, for people: a table of the members, the replay, the findings, a better chain. */
export function renderChainReport(report: ChainReport, isColoured: boolean): string {
  const paint: Paint = (text, colour) => (isColoured ? `\u001b[${codes[colour]}m${text}\u001b[0m` : text)
  const { chain, measurements, replay, findings, recommended } = report
  const sections = [
    `${paint('chain', 'bold')}  ${chain.text}  (${chain.source})\n`,
    measurements.length === 0 ? '' : members(measurements, paint),
    replay === null ? '' : replayed(replay, paint),
    findingsText(findings, paint),
    recommended === null ? '' : `${paint('better', 'bold')}  GOPROXY=${recommended}\n`,
  ]
  return sections.filter((section) => section !== '').join('\n')
}

function members(measurements: readonly MemberMeasurement[], paint: Paint): string {
  const rows = measurements.map(({ member, dns, tcp, tls12, tls13, firstByte, sumdb }) => [
    member,
    ...[dns, tcp, tls12, tls13].map(timeCell),
    timeCell(firstByte),
    statusCell(firstByte),
    statusCell(sumdb),
  ])
  const head = ['member', 'DNS', 'TCP', 'TLS 1.2', 'TLS 1.3', 'first byte', 'status', 'sumdb']
  const path = measurements.find((each) => each.firstByte !== null)?.path
  return table(head, rows, paint) + (path === undefined ? '' : `asked for ${path}\n`)
}

function timeCell(measured: Measured | null): string {
  if (measured === null) return '-'
  if (measured.ok || !measured.said.startsWith('ERR_')) return duration(measured.tookMs)
  return shortCode(measured.said)
}

function statusCell(measured: Measured | null): string {
  return measured === null || measured.said.startsWith('ERR_') ? '-' : measured.said
}

/** `connect timeout` of ERR_CONNECT_TIMEOUT. */
function shortCode(code: string): string {
  return code.replace(/^ERR_/, '').toLowerCase().replaceAll('_', ' ')
}

function duration(ms: number): string {
  return ms < 1000 ? `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

function replayed({ module, query, version, steps, succeeds }: Replay, paint: Paint): string {
  const rows = steps.map(({ wants, member, said, tookMs, consequence }) => [
    wants,
    member,
    said === '' ? '-' : said.startsWith('ERR_') ? shortCode(said) : said,
    said === '' ? '-' : duration(tookMs),
    consequence,
  ])
  const resolved = version === null || version === query ? '' : ` is ${version}`
  const end = succeeds ? paint('The go command gets it.', 'green') : paint('The go command does not get it.', 'red')
  return `${paint('replay', 'bold')}  ${module}@${query}${resolved}\n${table(['wants', 'asked', 'said', 'took', ''], rows, paint)}${end}\n`
}

function findingsText(findings: readonly Finding[], paint: Paint): string {
  if (findings.length === 0) return `${paint('Nothing is wrong with it.', 'green')}\n`
  const sorted = findings.toSorted((a, b) => Number(a.level === 'advice') - Number(b.level === 'advice'))
  return sorted
    .map(({ level, code, about, text, advice }) => {
      const label = paint(level.padEnd(7), level === 'problem' ? 'red' : 'yellow')
      return `${label}  ${code}: ${about}\n         ${text}\n         ${advice}\n`
    })
    .join('')
}

/** Columns as wide as they need to be; the last one as it comes. */
function table(head: readonly string[], rows: readonly (readonly string[])[], paint: Paint): string {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]!.length)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd()
  return [paint(line(head), 'bold'), ...rows.map(line)].map((text) => `${text}\n`).join('')
}
