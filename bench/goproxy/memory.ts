import { readFileSync } from 'node:fs'
import path from 'node:path'
import { peakResidentBytes } from '../processes.ts'
import type { Section } from '../section.ts'
import { table } from '../table.ts'
import { atMost } from '../target.ts'
import { take } from './cold.ts'
import { startTurnpike } from './contenders.ts'
import { filePath, HUGE, sha256 } from './tree.ts'

const CLIENTS = 64
const MEGABYTE = 1024 * 1024

/** 64 clients take a zip of 100 MB at a time, cold and then warm. */
export async function benchMemory(tree: string, upstream: string): Promise<Section> {
  const asked = filePath(HUGE, 'zip')
  const wanted = sha256(readFileSync(path.join(tree, asked)))
  const peer = await startTurnpike(upstream)
  try {
    const atRest = peakResidentBytes(peer.pid)
    const rows = [['at rest', '', megabytes(atRest)]]
    for (const state of ['cold', 'warm']) {
      const hashes = await Promise.all(Array.from({ length: CLIENTS }, () => take(peer, asked)))
      const right = hashes.filter((hash) => hash === wanted).length
      rows.push([state, `${right} of ${CLIENTS}`, megabytes(peakResidentBytes(peer.pid))])
    }
    return {
      title: 'goproxy: 64 clients take a zip of 100 MiB',
      note: "All at once; SHA-256 of every answer checked; the process's highest resident memory ever (VmHWM).",
      body: table(['', 'right answers', 'peak resident MB'], rows),
      targets: [
        atMost('goproxy: peak resident memory, 64 × 100 MiB', peakResidentBytes(peer.pid) / MEGABYTE, 150, ' MB', 0),
      ],
    }
  } finally {
    await peer.stop()
  }
}

function megabytes(bytes: number): string {
  return (bytes / MEGABYTE).toFixed(0)
}
