import { explain, explanations } from './explanations.ts'
import { findDifference, type Difference } from './difference.ts'
import { NodeVerdicts } from './node-verdict.ts'
import { ownVerdict } from './own-verdict.ts'
import { Random } from './random.ts'
import { generateRequests } from './request-grammar.ts'

/** What a run found. */
export interface FuzzReport {
  cases: number
  /** How often each explanation was needed. */
  explained: Map<string, number>
  /** The first cases that nothing explains, each with the seed that replays it. */
  unexplained: string[]
}

const BATCH = 50
const MAX_UNEXPLAINED = 5

/**
 * Compares Turnpike's request parser with Node's until the time is over. Case n of a run with
 * seed s is case 0 of a run with seed s + n.
 */
export async function fuzzRequests(seed: number, seconds: number): Promise<FuzzReport> {
  const report: FuzzReport = {
    cases: 0,
    explained: new Map(explanations.map(({ name }) => [name, 0])),
    unexplained: [],
  }
  const node = new NodeVerdicts()
  const deadline = performance.now() + seconds * 1000
  do {
    const seeds = Array.from({ length: BATCH }, (_, index) => seed + report.cases + index)
    const differences = await Promise.all(seeds.map((each) => judge(each, node)))
    for (const difference of differences) record(report, difference)
    report.cases += BATCH
  } while (performance.now() < deadline && report.unexplained.length < MAX_UNEXPLAINED)
  node.close()
  return report
}

async function judge(seed: number, node: NodeVerdicts): Promise<{ name: string | null; text: string } | null> {
  const random = new Random(seed)
  const text = generateRequests(random)
  const difference = await compare(text, cut(Buffer.from(text, 'latin1'), random), node)
  if (difference === null) return null
  const { kind, own, node: code } = difference
  return {
    name: explain(difference),
    text: `seed ${seed}: ${kind}: Turnpike ${own}, Node ${code}\n${JSON.stringify(text)}`,
  }
}

/** Asks both parsers about the same pieces: where they part, or null where they agree. */
export async function compare(text: string, pieces: Buffer[], node: NodeVerdicts): Promise<Difference | null> {
  return findDifference(text, ownVerdict(pieces), await node.judge([...pieces]))
}

function record(report: FuzzReport, difference: { name: string | null; text: string } | null): void {
  if (difference === null) return
  if (difference.name === null) report.unexplained.push(difference.text)
  else report.explained.set(difference.name, report.explained.get(difference.name)! + 1)
}

function cut(bytes: Buffer, random: Random): Buffer[] {
  const pieces: Buffer[] = []
  let start = 0
  for (let cuts = random.below(4); cuts > 0 && start < bytes.length; cuts--) {
    const end = start + 1 + random.below(bytes.length - start)
    pieces.push(bytes.subarray(start, end))
    start = end
  }
  if (start < bytes.length) pieces.push(bytes.subarray(start))
  return pieces
}
