import { parseArgs } from 'node:util'
import { fuzzRequests } from './differential.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
  },
})
const seed = Number(values.seed)
const report = await fuzzRequests(seed, Number(values.seconds))
console.log(`${report.cases} cases from seed ${seed}, against llhttp ${process.versions['llhttp']}`)
for (const [name, count] of report.explained) console.log(String(count).padStart(9), name)
for (const text of report.unexplained)
  console.log(`\nnot explained, replay with: npm run fuzz -- --seconds 0 --seed ${/\d+/.exec(text)![0]}\n${text}`)
process.exitCode = report.unexplained.length > 0 ? 1 : 0
