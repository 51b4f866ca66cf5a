import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { portOf } from '../../test/support/peers/free-port.ts'
import { findProgram } from '../../test/support/peers/require-program.ts'
import { LOAD_CORE } from '../processes.ts'
import { browserHeaders } from './wrk.ts'

const run = promisify(execFile)

/** Milliseconds from the moment a request was meant to leave to the end of its reply. */
export interface Latencies {
  sent: number
  errors: number
  p50: number
  p99: number
  p999: number
  max: number
  /** p99 of how late the generator itself was. */
  ownP99: number
}

/** Builds the generator with Go; its path, or null where there is no Go. */
export function buildFixedRate(): string | null {
  const go = findProgram('go') ?? (findProgram('/usr/local/go/bin/go') === null ? null : '/usr/local/go/bin/go')
  if (go === null) return null
  const folder = path.resolve(import.meta.dirname, '../.work')
  mkdirSync(folder, { recursive: true })
  const program = path.join(folder, 'fixed-rate')
  execFileSync(go, ['build', '-o', program, '.'], {
    cwd: path.join(import.meta.dirname, 'fixed-rate'),
    stdio: 'inherit',
  })
  return program
}

/**
 * Proves that the generator counts from the intended send time: a server that stops once for 400 ms
 * delays every request that was due meanwhile, a fifth of all, and the 99th percentile must say so.
 */
export async function proveFixedRate(program: string): Promise<void> {
  let served = 0
  const server = http.createServer((_request, response) => {
    if (++served === 500) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400)
    response.end('ok')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const { p50, p99 } = await runFixedRate(program, portOf(server), 500, 2)
    if (p99 < 300 || p50 > 200) throw new Error(`the generator hides a stall of 400 ms: p50 ${p50} ms, p99 ${p99} ms`)
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

/** Small GETs with browser headers at a fixed arrival rate over 64 connections, after half a second of warm-up. */
export async function runFixedRate(
  program: string,
  port: number,
  rate: number,
  seconds: number,
  target = '/index.html',
): Promise<Latencies> {
  const folder = mkdtempSync(path.join(tmpdir(), 'turnpike-rate-'))
  try {
    const request = path.join(folder, 'request')
    const fields = Object.entries({ Host: 'bench.example', ...browserHeaders }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    )
    writeFileSync(request, `GET ${target} HTTP/1.1\r\n${fields.join('')}\r\n`)
    const { stdout } = await run(
      'taskset',
      `-c ${LOAD_CORE} ${program} -port ${port} -rate ${rate} -seconds ${seconds} -request ${request}`.split(' '),
    )
    const result: Latencies = JSON.parse(stdout)
    return result
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
