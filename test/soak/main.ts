// npm run soak -- [--minutes N] [--reload-every MS]: a Turnpike under mixed load and reloads, watched for leaks.
import { parseArgs } from 'node:util'
import { findings } from './findings.ts'
import { header, loadLines, sampleLine, trendLines } from './report.ts'
import { soak } from './soak.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    'reload-every': { type: 'string', default: '500' },
  },
})
const minutes = Number(values.minutes)
const reloadEveryMs = Number(values['reload-every'])
if (!(minutes > 0) || !(reloadEveryMs >= 0)) {
  console.error('Usage: npm run soak -- [--minutes N] [--reload-every MS]')
  process.exit(2)
}

console.log(header)
const result = await soak({
  seconds: minutes * 60,
  reloadEveryMs,
  onSample: (sample) => console.log(sampleLine(sample)),
})
const found = findings(result)
const lines = [
  '',
  ...trendLines(result.samples),
  '',
  ...loadLines(result.loads),
  '',
  ...(found.length === 0 ? ['No leak, no failed request: everything is back where it was.'] : found),
]
console.log(lines.join('\n'))
process.exitCode = found.length === 0 ? 0 : 1
