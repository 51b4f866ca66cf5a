import { setTimeout as sleep } from 'node:timers/promises'
import type { CertificateFiles } from './certificate.ts'
import type { Contender } from './contenders/contender.ts'
import { holdConnections } from './idle-connections.ts'
import { runWrk } from './load/wrk.ts'
import { memoryBytes, pinnedTo, PROXY_CORE } from './processes.ts'

/** Long enough for garbage collectors and buffers to come to rest. */
const SETTLE_MS = 2000

export interface IdleMemory {
  contender: string
  secure: boolean
  /** Connections that were still open when measured. */
  held: number
  bytesEach: number
  /** The whole process tree at that moment. */
  totalBytes: number
}

/** What an idle connection costs: memory of a warm proxy without and with them, divided by their number. */
export async function measureIdle(
  contender: Contender,
  count: number,
  originPort: number,
  certificate: CertificateFiles | null,
): Promise<IdleMemory> {
  const peer = await contender.start({
    originPort,
    routes: 0,
    tls: certificate?.files ?? null,
    wrapper: pinnedTo(PROXY_CORE),
  })
  try {
    const secure = certificate !== null
    await runWrk({
      port: peer.port,
      tls: secure,
      method: 'GET',
      paths: ['/'],
      bodyLength: 0,
      connections: 64,
      seconds: 1,
    })
    await sleep(SETTLE_MS)
    const before = memoryBytes(peer.pid)
    const connections = await holdConnections(peer.port, count, secure)
    await sleep(SETTLE_MS)
    const totalBytes = memoryBytes(peer.pid)
    const held = connections.open()
    await connections.release()
    return { contender: contender.name, secure, held, bytesEach: (totalBytes - before) / held, totalBytes }
  } finally {
    await peer.stop()
  }
}
