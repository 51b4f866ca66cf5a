import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** What the soaked process says of itself, after a forced collection. */
export interface Inside {
  heapBytes: number
  externalBytes: number
  residentBytes: number
  /** Since the last time it was asked. */
  loopDelayMs: { p99: number; max: number }
}

/** One look at it. */
export interface Sample extends Inside {
  /** Since the start of the soak. */
  seconds: number
  /** Open descriptors that are sockets, as the kernel counts them. */
  sockets: number
  /** What is alive, by kind. */
  ledger: Record<string, number>
  reloads: number
}

const RESTING_LOOKS = 15
const LOOK_EVERY_MS = 70

const root = path.resolve(import.meta.dirname, '../..')

/** `turnpike run` with a config file, as a user starts it, and a probe inside. */
export class Subject {
  readonly adminUrl: string
  /** Everything that it wrote to stderr. */
  errors = ''
  private readonly child: ChildProcess
  private readonly startedAt = performance.now()

  private constructor(child: ChildProcess, adminUrl: string) {
    this.child = child
    this.adminUrl = adminUrl
    child.stdout!.resume()
    child.stderr!.on('data', (text: Buffer) => (this.errors += text.toString()))
  }

  static async start(configFile: string, adminUrl: string): Promise<Subject> {
    const child = spawn(
      process.execPath,
      [
        '--expose-gc',
        '--disable-sigusr1',
        '--import',
        path.join(import.meta.dirname, 'probe.ts'),
        path.join(root, 'src/cli/main.ts'),
        'run',
        '--config',
        configFile,
      ],
      { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
    )
    const subject = new Subject(child, adminUrl)
    for (let tries = 0; tries < 200; tries++) {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${subject.errors}`)
      const ready = await fetch(`${adminUrl}/ready`).catch(() => null)
      await ready?.arrayBuffer()
      if (ready?.status === 200) return subject
      await sleep(50)
    }
    throw new Error(`it did not get ready: ${subject.errors}`)
  }

  async sample(reloads: number): Promise<Sample> {
    const answer = once(this.child, 'message')
    this.child.send('sample')
    const [inside]: Inside[] = await answer
    return {
      ...inside!,
      seconds: (performance.now() - this.startedAt) / 1000,
      sockets: socketsOf(this.child.pid!),
      ledger: await this.ledger(),
      reloads,
    }
  }

  /** A sample whose ledger has what was alive all the while: a probe that comes and goes is not in it. */
  async restingSample(reloads: number): Promise<Sample> {
    const sample = await this.sample(reloads)
    for (let look = 0; look < RESTING_LOOKS; look++) {
      await sleep(LOOK_EVERY_MS)
      const ledger = await this.ledger()
      for (const [kind, count] of Object.entries(ledger)) sample.ledger[kind] = Math.min(sample.ledger[kind]!, count)
      sample.sockets = Math.min(sample.sockets, socketsOf(this.child.pid!))
    }
    return sample
  }

  /** Ends it as an orchestrator does; its exit code. */
  async stop(): Promise<number | null> {
    if (this.child.exitCode !== null) return this.child.exitCode
    const exit = once(this.child, 'exit')
    this.child.kill('SIGTERM')
    const [code]: (number | null)[] = await exit
    return code ?? null
  }

  private async ledger(): Promise<Record<string, number>> {
    const reply = await fetch(`${this.adminUrl}/api/ledger`)
    const { ledger }: { ledger: Record<string, { live: number }> } = JSON.parse(await reply.text())
    return Object.fromEntries(Object.entries(ledger).map(([kind, { live }]) => [kind, live]))
  }
}

function socketsOf(pid: number): number {
  const folder = `/proc/${pid}/fd`
  const isSocket = (descriptor: string): boolean => {
    try {
      return readlinkSync(path.join(folder, descriptor)).startsWith('socket:')
    } catch {
      // Closed since the folder was read.
      return false
    }
  }
  return readdirSync(folder).filter(isSocket).length
}
