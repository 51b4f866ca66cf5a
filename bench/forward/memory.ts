import { setTimeout as sleep } from 'node:timers/promises'
import { holdTunnels, runTunnels } from '../load/tunnels.ts'
import { memoryBytes, peakResidentBytes } from '../processes.ts'
import type { Section } from '../section.ts'
import { table } from '../table.ts'
import { atMost } from '../target.ts'
import { startTurnpike, type ForwardContender } from './contenders.ts'
import type { Targets } from './scenarios.ts'

const TUNNELS = 5_000
const SETTLE_MS = 2_000
const GIGABYTES = 10
const MEGABYTE = 1024 * 1024

/** What an idle tunnel costs: memory of a warm proxy without and with them, divided by their number. */
export async function benchIdleTunnels(contenders: readonly ForwardContender[], targets: Targets): Promise<Section> {
  const { program, tunnelPort: targetPort } = targets
  const rows: [name: string, bytes: number, total: number][] = []
  for (const contender of contenders.filter(({ does }) => does.includes('idle'))) {
    const { name, via } = contender
    const peer = await contender.start({ targetPort, authority: null })
    try {
      const plan = { proxyPort: peer.port, targetPort, via } as const
      await runTunnels(program, { ...plan, work: 'open', connections: 64, seconds: 1 })
      await sleep(SETTLE_MS)
      const before = memoryBytes(peer.pid)
      const held = await holdTunnels(program, { ...plan, connections: TUNNELS })
      await sleep(SETTLE_MS)
      const total = memoryBytes(peer.pid)
      rows.push([name, (total - before) / TUNNELS, total])
      await held.release()
    } finally {
      await peer.stop()
    }
  }
  return {
    title: 'forward: 5 000 idle tunnels',
    note: 'Each proved by bytes that came back; memory of the process tree (Pss), 2 s after the last one, above that before the first.',
    body: table(
      ['', 'KB each', 'MB in all'],
      rows.map(([name, each, total]) => [name, (each / 1024).toFixed(1), (total / MEGABYTE).toFixed(0)]),
    ),
    targets: rows
      .filter(([name]) => name === 'turnpike')
      .map(([, each]) => atMost('forward: memory of an idle tunnel', each / 1024, 24, ' KB')),
  }
}

/** The most memory that the process ever has while one tunnel moves 10 GB down. */
export async function benchLargeTunnel({ program, tunnelPort: targetPort }: Targets): Promise<Section> {
  const peer = await startTurnpike({ targetPort, authority: null })
  try {
    const plan = { proxyPort: peer.port, targetPort, via: 'connect', work: 'down', connections: 1, seconds: 0 } as const
    const { bytes, microseconds, errors } = await runTunnels(program, { ...plan, bytes: GIGABYTES * 1e9 })
    if (errors > 0 || bytes < GIGABYTES * 1e9) throw new Error(`${bytes} bytes came, with ${errors} errors`)
    const peak = peakResidentBytes(peer.pid) / MEGABYTE
    return {
      title: 'forward: 10 GB through one tunnel',
      note: "The process's highest resident memory ever (VmHWM).",
      body: table(['', 'MB/s', 'peak resident MB'], [['turnpike', (bytes / microseconds).toFixed(0), peak.toFixed(0)]]),
      targets: [atMost('forward: peak resident memory, 10 GB', peak, 120, ' MB', 0)],
    }
  } finally {
    await peer.stop()
  }
}
