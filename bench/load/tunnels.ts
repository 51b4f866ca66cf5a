import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../../test/support/peers/free-port.ts'
import { findProgram } from '../../test/support/peers/require-program.ts'
import { peerFolder, spawnPeer, type Peer } from '../../test/support/peers/spawn-peer.ts'
import type { CertificateFiles } from '../certificate.ts'
import { LOAD_CORE, pinnedTo } from '../processes.ts'

const run = promisify(execFile)

/** How a tunnel is asked for. `plain`: the proxy knows its target. */
export type Via = 'connect' | 'socks5' | 'plain'

export interface TunnelPlan {
  proxyPort: number
  targetPort: number
  /** Default: 127.0.0.1. */
  host?: string
  via: Via
  /** `down` and `up` move bytes, `open` opens and closes, `https` asks on TLS inside. */
  work: 'down' | 'up' | 'open' | 'https'
  connections: number
  seconds: number
  /** With `down`: so many bytes in place of so many seconds. */
  bytes?: number
}

export interface TunnelResult {
  count: number
  bytes: number
  microseconds: number
  errors: number
}

/** Builds the load and its target with Go; the path, or null where there is no Go. */
export function buildTunnels(): string | null {
  const go = findProgram('go') ?? findProgram('/usr/local/go/bin/go')
  if (go === null) return null
  const folder = path.resolve(import.meta.dirname, '../.work')
  mkdirSync(folder, { recursive: true })
  const program = path.join(folder, 'tunnels')
  execFileSync(go, ['build', '-o', program, '.'], { cwd: path.join(import.meta.dirname, 'tunnels'), stdio: 'inherit' })
  return program
}

/** What stands behind the proxies, on the load core: the bytes, and HTTPS beside it. */
export async function startTunnelTarget(
  program: string,
  certificate: CertificateFiles,
): Promise<Peer & { tlsPort: number }> {
  const [port, tlsPort] = [await freePort(), await freePort()]
  const { cert, key } = certificate.files
  const peer = await spawnPeer({
    name: 'tunnel-target',
    command: [program, `-serve=${port}`, `-serve-tls=${tlsPort}`, `-cert=${cert}`, `-key=${key}`],
    port,
    folder: peerFolder('tunnel-target'),
    wrapper: pinnedTo(LOAD_CORE),
  })
  return { ...peer, tlsPort }
}

/** One run of the load, on the load core. */
export async function runTunnels(program: string, plan: TunnelPlan): Promise<TunnelResult> {
  const { stdout, stderr } = await run('taskset', ['-c', String(LOAD_CORE), program, ...optionsOf(plan)])
  const result: TunnelResult = JSON.parse(stdout)
  if (result.errors > 0 && stderr !== '') console.log(`  ${stderr.trim()}`)
  return result
}

/** Holds that many idle tunnels, each proved by bytes that came back, until it is released. */
export async function holdTunnels(
  program: string,
  plan: Omit<TunnelPlan, 'work' | 'seconds'>,
): Promise<{ release(): Promise<void> }> {
  const child = spawn(program, optionsOf({ ...plan, work: 'hold', seconds: 0 }), {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const held = once(child.stdout, 'data')
  await Promise.race([
    held,
    ended.then(([code]) => Promise.reject(new Error(`no tunnels are held: exit ${String(code)}`))),
  ])
  return {
    async release() {
      child.stdin.end()
      await ended
    },
  }
}

function optionsOf(plan: Omit<TunnelPlan, 'work'> & { work: TunnelPlan['work'] | 'hold' }): string[] {
  const { proxyPort, targetPort, host = '127.0.0.1', via, work, connections, seconds, bytes = 0 } = plan
  return [
    `-proxy=${proxyPort}`,
    `-target=${targetPort}`,
    `-host=${host}`,
    `-via=${via}`,
    `-work=${work}`,
    `-connections=${connections}`,
    `-seconds=${seconds}`,
    `-bytes=${bytes}`,
  ]
}
