import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Peer } from '../../test/support/peers/spawn-peer.ts'
import { runWrk } from '../load/wrk.ts'
import { loadInTurns, type Rounds } from '../throughput.ts'
import type { ModuleContender } from './contenders.ts'
import { filePath, LARGE, sha256, SMALL } from './tree.ts'

/** What is asked for again and again, once everybody has it. */
export interface WarmScenario {
  name: string
  title: string
  path: string
  connections: number
}

export const warmScenarios: readonly WarmScenario[] = [
  { name: 'info', title: 'warm .info', path: filePath(SMALL, 'info'), connections: 64 },
  { name: 'mod', title: 'warm .mod', path: filePath(SMALL, 'mod'), connections: 64 },
  { name: 'list', title: 'warm list', path: filePath(SMALL, 'list'), connections: 64 },
  { name: 'zip', title: 'warm zip of 20 KiB', path: filePath(SMALL, 'zip'), connections: 64 },
  { name: 'large', title: 'warm zip of 50 MiB', path: filePath(LARGE, 'zip'), connections: 8 },
]

/** Every contender in one scenario: each is filled and proved first, then loaded in turn, round by round. */
export async function measureWarm(
  scenario: WarmScenario,
  contenders: readonly ModuleContender[],
  { tree, upstream, rounds, seconds }: { tree: string; upstream: string; rounds: number; seconds: number },
): Promise<Rounds[]> {
  const running: { peer: Peer; measured: Rounds }[] = []
  try {
    for (const contender of contenders) {
      const peer = await contender.start(tree, upstream)
      const measured = {
        contender: contender.name,
        requestsPerSecond: [],
        cpuMicrosecondsPerRequest: [],
        busy: [],
        errors: 0,
      }
      running.push({ peer, measured })
      await prove(contender, peer, scenario, tree)
    }
    await loadInTurns(running, { rounds, seconds }, ({ peer }, length) => load(peer, scenario, length))
  } finally {
    for (const { peer } of running) await peer.stop()
  }
  return running.map(({ measured }) => measured)
}

/** Asks twice, so that what answers is what was kept; both answers are the upstream's. */
async function prove(
  { name }: ModuleContender,
  { port }: Peer,
  { path: asked, name: scenario }: WarmScenario,
  tree: string,
): Promise<void> {
  for (let time = 0; time < 2; time++) {
    const reply = await fetch(`http://127.0.0.1:${port}${asked}`, { signal: AbortSignal.timeout(120_000) })
    const body = Buffer.from(await reply.arrayBuffer())
    assert.equal(reply.status, 200, `${name}, ${scenario}: ${body.toString('utf8', 0, 300)}`)
    const wanted = readFileSync(path.join(tree, asked))
    // Athens and goproxy write .info and lists anew.
    if (asked.endsWith('.info')) assert.equal(versionOf(body), versionOf(wanted), name)
    else if (asked.endsWith('/list')) assert.deepEqual(lines(body), lines(wanted), name)
    else assert.equal(sha256(body), sha256(wanted), `${name}, ${scenario}`)
  }
}

function versionOf(info: Buffer): unknown {
  const parsed: { Version?: unknown } = JSON.parse(info.toString('utf8'))
  return parsed.Version
}

function lines(text: Buffer): string[] {
  return text.toString('utf8').split('\n').filter(Boolean).toSorted()
}

function load({ port }: Peer, { path: asked, connections }: WarmScenario, seconds: number): ReturnType<typeof runWrk> {
  return runWrk({
    port,
    tls: false,
    method: 'GET',
    paths: [asked],
    bodyLength: 0,
    connections,
    seconds,
    headers: { 'User-Agent': 'Go-http-client/1.1', 'Accept-Encoding': 'gzip' },
    plain: true,
  })
}
