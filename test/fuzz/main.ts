import { parseArgs } from 'node:util'
import { fuzz, replySubject, requestSubject } from './differential.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
  },
})
const seed = Number(values.seed)
for (const subject of [requestSubject(), replySubject()]) {
  const { cases, explained, unexplained } = await fuzz(subject, seed, Number(values.seconds) / 2)
  console.log(`${cases} ${subject.name} from seed ${seed}, against llhttp ${process.versions['llhttp']}`)
  for (const [name, count] of explained) console.log(String(count).padStart(9), name)
  for (const text of unexplained) {
    console.log(`\nnot explained, replay with: npm run fuzz -- --seconds 0 --seed ${/\d+/.exec(text)![0]}\n${text}`)
  }
  if (unexplained.length > 0) process.exitCode = 1
}
