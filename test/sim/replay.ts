import { runLife } from './lives.ts'

// node test/sim/replay.ts SEED: lives one life of the simulated world again and says what happens in it.
const seed = Number(process.argv[2])
const { trace, violations } = await runLife(seed, true)
for (const line of trace) console.log(line)
console.log(
  violations.length === 0 ? `seed ${seed}: a good life` : violations.map((each) => `seed ${seed}: ${each}`).join('\n'),
)
process.exitCode = violations.length === 0 ? 0 : 1
