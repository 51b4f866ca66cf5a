import { rmSync } from 'node:fs'
import { makeCertificate } from './certificate.ts'
import { turnpike } from './contenders/turnpike.ts'
import { measureIdle } from './idle-memory.ts'
import { startOrigin } from './origin.ts'
import type { Section } from './section.ts'
import { idleSection } from './sections/idle.ts'

const CONNECTIONS = 9000

/** As many connections as a process with 20 000 descriptors can serve, plain and TLS. */
export async function* benchIdle(): AsyncGenerator<Section> {
  const certificate = makeCertificate()
  const origin = await startOrigin()
  try {
    const all = []
    for (const secure of [null, certificate]) all.push(await measureIdle(turnpike, CONNECTIONS, origin.port, secure))
    yield idleSection('held: 9 000 connections', all, CONNECTIONS)
  } finally {
    await origin.stop()
    rmSync(certificate.folder, { recursive: true, force: true })
  }
}
