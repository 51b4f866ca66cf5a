import { explain, requestExplanations, type Explanation } from './explanations.ts'
import { findDifference, findReplyDifference, type Difference } from './difference.ts'
import { NodeVerdicts } from './node-verdict.ts'
import { ownVerdict } from './own-verdict.ts'
import { Random } from './random.ts'
import { generateReply } from './reply-grammar.ts'
import { replyExplanations } from './reply-explanations.ts'
import { nodeReplyVerdict, ownReplyVerdict } from './reply-verdict.ts'
import { generateRequests } from './request-grammar.ts'

/** One direction of HTTP/1: how to make its messages, compare the two parsers, and explain what differs. */
export interface Subject {
  name: 'requests' | 'replies'
  explanations: Explanation[]
  generate(random: Random): string
  /** Asks both parsers about the same pieces: where they part, or null where they agree. */
  compare(text: string, pieces: Buffer[]): Promise<Difference | null>
}

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

export function requestSubject(): Subject {
  const node = new NodeVerdicts()
  return {
    name: 'requests',
    explanations: requestExplanations,
    generate: generateRequests,
    compare: async (text, pieces) => findDifference(text, ownVerdict(pieces), await node.judge([...pieces])),
  }
}

export function replySubject(): Subject {
  return {
    name: 'replies',
    explanations: replyExplanations,
    generate: generateReply,
    compare: async (text, pieces) => findReplyDifference(text, ownReplyVerdict(pieces), await nodeReplyVerdict(pieces)),
  }
}

/**
 * Compares Turnpike's parser with Node's until the time is over. Case n of a run with seed s is
 * case 0 of a run with seed s + n.
 */
export async function fuzz(subject: Subject, seed: number, seconds: number): Promise<FuzzReport> {
  const explained = new Map(subject.explanations.map(({ name }) => [name, 0]))
  const report: FuzzReport = { cases: 0, explained, unexplained: [] }
  const deadline = performance.now() + seconds * 1000
  do {
    const seeds = Array.from({ length: BATCH }, (_, index) => seed + report.cases + index)
    const differences = await Promise.all(seeds.map((each) => judge(subject, each)))
    for (const difference of differences) record(report, difference)
    report.cases += BATCH
  } while (performance.now() < deadline && report.unexplained.length < MAX_UNEXPLAINED)
  return report
}

async function judge(subject: Subject, seed: number): Promise<{ name: string | null; text: string } | null> {
  const random = new Random(seed)
  const text = subject.generate(random)
  const difference = await subject.compare(text, cut(Buffer.from(text, 'latin1'), random))
  if (difference === null) return null
  const { kind, own, node } = difference
  const name = explain(difference, subject.explanations)
  return { name, text: `seed ${seed}: ${kind}: Turnpike ${own}, Node ${node}\n${JSON.stringify(text)}` }
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
