import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAuthority } from '../../src/certs/create-authority.ts'
import { testCertificate } from '../support/certificates.ts'
import { freePort } from '../support/peers/free-port.ts'
import { mixedLoads, type Load } from './loads.ts'
import { startOrigins } from './origins.ts'
import { settingsFor, type Ports } from './settings.ts'
import { Subject, type Sample } from './subject.ts'

export interface SoakOptions {
  /** How long the loads run. */
  seconds: number
  /** From one reload to the next, counted from when the first is seen to serve. */
  reloadEveryMs: number
  onSample: (sample: Sample) => void
}

export interface SoakResult {
  /** At rest, before any load. */
  before: Sample
  /** Under load. */
  samples: Sample[]
  /** At rest again, when all connections have had time to go. */
  after: Sample
  loads: Load[]
  exitCode: number | null
  /** What the process wrote to stderr. */
  errors: string
}

const SAMPLE_EVERY_MS = 5_000
const RELOAD_WITHIN_MS = 10_000
const REST_WITHIN_MS = 30_000

/** Runs a Turnpike under mixed load and reloads, and looks at it before, meanwhile and afterwards. */
export async function soak({ seconds, reloadEveryMs, onSample }: SoakOptions): Promise<SoakResult> {
  const folder = mkdtempSync(path.join(tmpdir(), 'turnpike-soak-'))
  const file = path.join(folder, 'turnpike.json')
  const ports: Ports = {
    web: await freePort(),
    secure: await freePort(),
    egress: await freePort(),
    extra: await freePort(),
    admin: await freePort(),
  }
  const certificates = ['a.test', 'b.test'].map((subject) => testCertificate({ subject }))
  const origins = await startOrigins(certificates[0]!)
  const authority = path.join(folder, 'ca')
  await createAuthority(authority)
  const configure = (reload: number): void => {
    const next = path.join(folder, 'next')
    writeFileSync(next, JSON.stringify(settingsFor(reload, ports, origins, certificates, authority)))
    renameSync(next, file)
  }
  configure(0)
  const subject = await Subject.start(file, `http://127.0.0.1:${ports.admin}`)
  const { loads, close } = mixedLoads(ports, origins)
  let reloads = 0
  try {
    await served(ports.web, 0)
    const before = await restedSample(subject, 0, null)
    for (const [load, workers] of loads) load.start(workers)
    const samples: Sample[] = []
    const end = performance.now() + seconds * 1000
    let sampleAt = performance.now() + SAMPLE_EVERY_MS
    // Ends with an even number, whose config has the same listeners as the first.
    while (performance.now() < end || reloads % 2 === 1) {
      configure(++reloads)
      await served(ports.web, reloads)
      await sleep(reloadEveryMs)
      if (performance.now() < sampleAt) continue
      const sample = await subject.sample(reloads)
      samples.push(sample)
      onSample(sample)
      sampleAt = performance.now() + SAMPLE_EVERY_MS
    }
    await Promise.all(loads.map(([load]) => load.stop()))
    close()
    const after = await restedSample(subject, reloads, before)
    onSample(after)
    const exitCode = await subject.stop()
    return { before, samples, after, loads: loads.map(([load]) => load), exitCode, errors: subject.errors }
  } finally {
    await subject.stop()
    await origins.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Resolves when a reply shows that this reload is the one that serves. */
async function served(port: number, reload: number): Promise<void> {
  const end = performance.now() + RELOAD_WITHIN_MS
  let seen: string | null = null
  while (performance.now() < end) {
    const reply = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })
    await reply.arrayBuffer()
    seen = reply.headers.get('x-reload')
    if (seen === String(reload)) return
    await sleep(10)
  }
  throw new Error(`reload ${reload} does not serve after ${RELOAD_WITHIN_MS} ms; ${seen} does`)
}

/** A sample when nothing is alive beyond what was in `wanted`, or when time is up. */
async function restedSample(subject: Subject, reloads: number, wanted: Sample | null): Promise<Sample> {
  const end = performance.now() + REST_WITHIN_MS
  for (;;) {
    await sleep(500)
    const sample = await subject.restingSample(reloads)
    const rested =
      wanted === null || Object.entries(sample.ledger).every(([kind, count]) => count <= (wanted.ledger[kind] ?? 0))
    if (rested || performance.now() > end) return sample
  }
}
