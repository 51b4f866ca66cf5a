import assert from 'node:assert/strict'
import http from 'node:http'
import https from 'node:https'
import { bodyHash, startRecordingOrigin, type SeenRequest } from '../test/support/peers/recording-origin.ts'
import type { Contender, Setup } from './contenders/contender.ts'
import { browserHeaders } from './load/wrk.ts'
import type { Scenario } from './scenarios.ts'

interface Answer {
  status: number
  headers: http.IncomingHttpHeaders
  body: Buffer
}

/** One request over a connection of its own. */
export function ask(port: number, tls: boolean, method: string, path: string, body: Buffer): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const options = {
    host: 'localhost',
    port,
    method,
    path,
    agent: false,
    rejectUnauthorized: false,
    headers: {
      ...browserHeaders,
      Host: 'bench.example',
      ...(method === 'POST' ? { 'Content-Length': body.length } : {}),
    },
  } as const
  const request = (tls ? https : http).request(options, (reply) => {
    const chunks: Buffer[] = []
    reply.on('data', (chunk: Buffer) => chunks.push(chunk))
    reply.on('error', reject)
    reply.on('end', () =>
      resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body: Buffer.concat(chunks) }),
    )
  })
  request.on('error', reject)
  request.end(body)
  return promise
}

/** Proves that the reply of a running contender is the origin's, byte for byte. */
export async function proveReply(name: string, port: number, scenario: Scenario): Promise<void> {
  for (const path of [scenario.paths[0]!, scenario.paths.at(-1)!]) {
    const answer = await ask(port, scenario.tls, scenario.method, path, Buffer.alloc(scenario.bodyLength, 'b'))
    const where = `${name}, ${scenario.name}, ${path}`
    assert.equal(answer.status, 200, where)
    assert.equal(bodyHash(answer.body), bodyHash(scenario.reply), where)
    assert.equal(Number(answer.headers['content-length']), Buffer.byteLength(scenario.reply), where)
  }
}

/**
 * Proves by an origin that records what it gets that a contender forwards the whole request: target,
 * host, body, every browser header, and the client's address.
 */
export async function proveForwarding(
  contender: Contender,
  setup: Omit<Setup, 'originPort'>,
  scenario: Scenario,
): Promise<void> {
  const origin = await startRecordingOrigin()
  const peer = await contender.start({ ...setup, originPort: origin.port })
  try {
    const body = Buffer.alloc(scenario.bodyLength, 'b')
    const { status } = await ask(peer.port, scenario.tls, scenario.method, scenario.paths[0]!, body)
    const where = `${contender.name}, ${scenario.name}`
    assert.equal(status, 200, where)
    assert.equal(origin.seen.length, 1, where)
    proveSeen(origin.seen[0]!, scenario, body, where)
    assert.ok(await logged(() => peer.accessLog()), `${where}: no access log`)
  } finally {
    await peer.stop()
    await origin.stop()
  }
}

function proveSeen(seen: SeenRequest, scenario: Scenario, body: Buffer, where: string): void {
  assert.equal(seen.method, scenario.method, where)
  assert.equal(seen.target, scenario.paths[0], where)
  assert.equal(seen.host, 'bench.example', where)
  assert.equal(seen.bodyLength, body.length, where)
  assert.equal(seen.bodyHash, bodyHash(body), where)
  const headers = new Map(seen.headers)
  for (const [name, value] of Object.entries(browserHeaders))
    assert.equal(headers.get(name.toLowerCase()), value, where)
  assert.match(headers.get('x-forwarded-for') ?? '', /^(?:127\.0\.0\.1|::1|::ffff:127\.0\.0\.1)$/, where)
  assert.equal(headers.get('x-forwarded-proto'), scenario.tls ? 'https' : 'http', where)
}

/** Whether the request gets into the access log; logs may gather lines for a second. */
async function logged(lines: () => string[]): Promise<boolean> {
  for (let tries = 0; tries < 150; tries++) {
    if (lines().some((line) => line.includes('GET') || line.includes('POST'))) return true
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return false
}
