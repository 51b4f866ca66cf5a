import { readdir } from 'node:fs/promises'

/** What the operating system and Node say of this process. */
export interface ProcessFacts {
  cpuSeconds: number
  residentBytes: number
  heapUsedBytes: number
  heapTotalBytes: number
  externalBytes: number
  /** -1 where the system does not say. */
  openFds: number
  /** Seconds since 1970. */
  startedAt: number
}

/** `wallClock`: milliseconds since 1970. */
export async function readProcessFacts(wallClock: () => number): Promise<ProcessFacts> {
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage()
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: rss,
    heapUsedBytes: heapUsed,
    heapTotalBytes: heapTotal,
    externalBytes: external,
    openFds: await countDescriptors(),
    startedAt: Math.round(wallClock() / 1000 - process.uptime()),
  }
}

async function countDescriptors(): Promise<number> {
  try {
    // One of them reads the folder.
    return (await readdir('/proc/self/fd')).length - 1
  } catch {
    return -1
  }
}
