import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { findProgram } from './require-program.ts'

export interface Peer {
  readonly name: string
  readonly port: number
  readonly pid: number
  /** Its own temporary folder, removed by `stop`. */
  readonly folder: string
  /** Lines of its access log so far: one a request that it saw. */
  accessLog(): string[]
  /** Whatever it wrote to stdout and stderr. */
  output(): string
  /** Ends it and waits until it is gone. */
  stop(): Promise<void>
}

export interface PeerPlan {
  name: string
  /** Program and arguments; a program without a slash is looked up. */
  command: readonly [string, ...string[]]
  port: number
  folder: string
  /** File of its access log in the folder. Default: its stdout. */
  accessLog?: string
  env?: Record<string, string>
  /** Ends it gracefully. Default SIGTERM. */
  stopSignal?: NodeJS.Signals
  /** A command that runs the program, such as `taskset -c 0`. Default: none. */
  wrapper?: readonly string[]
}

const RETRY_MS = 15
const READY_WITHIN_MS = 15_000

/** A fresh temporary folder for one peer. */
export function peerFolder(name: string): string {
  return mkdtempSync(path.join(tmpdir(), `turnpike-${name}-`))
}

/** Starts a server in the foreground of its own folder, and waits until it accepts connections. */
export async function spawnPeer(plan: PeerPlan): Promise<Peer> {
  const [program, ...args] = plan.command
  const file = program.includes('/') ? program : findProgram(program)
  if (file === null) throw new Error(`${program} is not installed`)
  const outputFile = path.join(plan.folder, 'output.log')
  const output = openSync(outputFile, 'a')
  const line = [...(plan.wrapper ?? []), file, ...args]
  const child = spawn(line[0]!, line.slice(1), {
    cwd: plan.folder,
    stdio: ['ignore', output, output],
    env: { ...process.env, ...plan.env },
  })
  closeSync(output)
  const readOutput = (): string => readFileSync(outputFile, 'utf8')
  // Not SIGKILL: a master that is killed leaves its workers behind.
  const stopNow = (): void => void child.kill()
  process.once('exit', stopNow)
  try {
    await readiness(child, plan.port)
  } catch (error) {
    child.kill('SIGKILL')
    const said = readOutput()
    process.off('exit', stopNow)
    rmSync(plan.folder, { recursive: true, force: true })
    throw new Error(`${plan.name} did not start: ${String(error)}\n${said}`, { cause: error })
  }
  const logFile = plan.accessLog === undefined ? outputFile : path.join(plan.folder, plan.accessLog)
  return {
    name: plan.name,
    port: plan.port,
    pid: child.pid!,
    folder: plan.folder,
    accessLog: () => readFileSync(logFile, 'utf8').split('\n').filter(Boolean),
    output: readOutput,
    async stop() {
      process.off('exit', stopNow)
      if (child.exitCode === null && child.signalCode === null) {
        child.kill(plan.stopSignal ?? 'SIGTERM')
        await once(child, 'exit')
      }
      rmSync(plan.folder, { recursive: true, force: true })
    },
  }
}

async function readiness(child: ChildProcess, port: number): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`ended with ${String(code ?? signal)}`)
  })
  ended.catch(() => {})
  for (;;) {
    if (await Promise.race([accepts(port), ended])) return
    if (Date.now() > deadline) throw new Error(`does not accept connections on port ${port}`)
    await Promise.race([new Promise((resolve) => setTimeout(resolve, RETRY_MS)), ended])
  }
}

/** Whether something accepts connections on that loopback port now. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
