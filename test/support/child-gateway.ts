import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { LogLine } from './gateway.ts'

/** `turnpike gateway` as a process of its own: for what is a matter of the process. */
export interface ChildGateway {
  port: number
  pid: number
  /** The access log so far. */
  log: LogLine[]
  /** What it said on standard error. */
  said(): string
  alive(): boolean
  /** The most memory it ever held, and what it holds now, in MB. */
  peakMb(): number
  residentMb(): number
}

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** Starts one on a free port; it is stopped with the test, and must then end by itself and well. */
export async function startChildGateway(
  t: TestContext,
  options: { to: string; descriptors?: number },
): Promise<ChildGateway> {
  const command = [
    process.execPath,
    '--disable-sigusr1',
    main,
    'gateway',
    '--to',
    options.to,
    '--listen',
    '127.0.0.1:0',
  ]
  const limit = options.descriptors === undefined ? '' : `ulimit -n ${options.descriptors}; `
  const child = spawn('bash', ['-c', `${limit}exec "$0" "$@"`, ...command], { stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  let errors = ''
  let lines = ''
  const log: LogLine[] = []
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    lines += text
    for (let end = lines.indexOf('\n'); end >= 0; end = lines.indexOf('\n')) {
      const line: LogLine = JSON.parse(lines.slice(0, end))
      log.push(line)
      lines = lines.slice(end + 1)
    }
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  t.after(async () => {
    child.kill('SIGTERM')
    // A second signal stops at once what is still busy.
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), 5_000)
    const [code]: (number | null)[] = await exited
    clearTimeout(late)
    // The second signal may come when Node has taken its handlers down already: then the work was done before.
    const wasOver = code === null && errors.endsWith('turnpike: stopped\n')
    if (code !== 0 && !wasOver) throw new Error(`the gateway ended with ${code}: ${errors}`)
  })
  let port: string | undefined
  while ((port = /http:\/\/127\.0\.0\.1:(\d+)/.exec(errors)?.[1]) === undefined) {
    await Promise.race([once(child.stderr, 'data'), exited])
    if (child.exitCode !== null) throw new Error(`the gateway did not start: ${errors}`)
  }
  const pid = child.pid!
  const status = (field: string): number => {
    const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
    return Number(kilobytes?.[1]) / 1024
  }
  return {
    port: Number(port),
    pid,
    log,
    said: () => errors,
    alive: () => child.exitCode === null && child.signalCode === null,
    peakMb: () => status('VmHWM'),
    residentMb: () => status('VmRSS'),
  }
}
