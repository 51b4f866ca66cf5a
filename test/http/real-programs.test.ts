import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { Agent, request as nodeRequest, type IncomingMessage } from 'node:http'
import path from 'node:path'
import test from 'node:test'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { startGateway } from '../support/gateway.ts'
import { startNginx } from '../support/peers/nginx.ts'
import { bodyHash, startRecordingOrigin } from '../support/peers/recording-origin.ts'
import { requireProgram } from '../support/peers/require-program.ts'

const run = promisify(execFile)

const curl = async (...args: string[]): Promise<Buffer> =>
  (await run('curl', ['-sS', '--max-time', '20', ...args], { encoding: 'buffer', maxBuffer: 64 << 20 })).stdout

test('H15 H20 H21 curl through the gateway to nginx: files, ranges, HEAD, 304, compressed, parallel', async (t) => {
  if (!requireProgram(t, 'curl', 'nginx')) return
  const large = randomBytes(20 << 20)
  const nginx = await startNginx({
    http: (port, folder) => {
      writeFileSync(path.join(folder, 'large.bin'), large)
      writeFileSync(path.join(folder, 'page.html'), '<p>hello</p>'.repeat(1_000))
      return `  gzip on; gzip_proxied any; gzip_types text/html;
  types { text/html html; }
  server { listen 127.0.0.1:${port}; root ${folder}; }`
    },
  })
  t.after(() => nginx.stop())
  const gateway = await startGateway(t, { to: [nginx.port] })
  const url = (file: string): string => `http://127.0.0.1:${gateway.port}/${file}`

  assert.equal(bodyHash(await curl(url('large.bin'))), bodyHash(large))
  assert.ok((await curl('-r', '1000-1999', url('large.bin'))).equals(large.subarray(1_000, 2_000)))
  const head = (await curl('-I', url('large.bin'))).toString('latin1')
  assert.match(head, /^HTTP\/1\.1 200/)
  assert.match(head, new RegExp(`content-length: ${large.length}\r\n`, 'i'))
  const etag = /etag: (\S+)/i.exec(head)![1]!
  const unchanged = await curl(
    '-o',
    '/dev/null',
    '-w',
    '%{http_code}',
    '-H',
    `If-None-Match: ${etag}`,
    url('large.bin'),
  )
  assert.equal(unchanged.toString(), '304')
  assert.equal((await curl('--compressed', url('page.html'))).toString(), '<p>hello</p>'.repeat(1_000))
  assert.equal((await curl('--http1.0', url('page.html'))).toString(), '<p>hello</p>'.repeat(1_000))
  const codes = await curl('--parallel', '-o', '/dev/null', '-w', '%{http_code} ', url('page.html?[1-40]'))
  assert.equal(codes.toString().trim(), Array.from({ length: 40 }, () => '200').join(' '))
  assert.ok(gateway.log.every(({ cause }) => cause === undefined))
})

test('H15 curl uploads to node:http: with Expect, with a length, in chunks', async (t) => {
  if (!requireProgram(t, 'curl')) return
  const origin = await startRecordingOrigin()
  t.after(() => origin.stop())
  const gateway = await startGateway(t, { to: [origin.port] })
  const body = randomBytes(3 << 20)
  const upload = async (...args: string[]): Promise<void> => {
    origin.clear()
    const uploading = run('curl', ['-sS', '--max-time', '20', ...args, `http://127.0.0.1:${gateway.port}/up`])
    uploading.child.stdin!.end(body)
    await uploading
    assert.deepEqual([origin.seen.length, origin.seen[0]!.bodyHash], [1, bodyHash(body)], args.join(' '))
  }
  await upload('--data-binary', '@-', '-H', 'Expect: 100-continue')
  await upload('--data-binary', '@-', '-H', 'Expect:')
  await upload('-T', '-')
  await upload('-T', '-', '-H', 'Content-Encoding: gzip')
  assert.ok(gateway.log.every(({ cause, status }) => cause === undefined && status === 200))
})

test('H12 H20 many node:http clients at once, some of which go away: every other reply is its own', async (t) => {
  const origin = await startRecordingOrigin()
  t.after(() => origin.stop())
  const gateway = await startGateway(t, { to: [origin.port], upstream: { pool: { max: 8 } } })
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  t.after(() => agent.destroy())
  const send = (at: number): Promise<string> =>
    new Promise((resolve, reject) => {
      const body = gzipSync(`body ${at}`)
      const asked = nodeRequest({
        port: gateway.port,
        host: '127.0.0.1',
        path: `/${at}`,
        method: 'POST',
        agent,
        headers: { 'X-At': String(at) },
      })
      asked.on('error', reject)
      asked.on('response', (reply: IncomingMessage) => {
        let text = ''
        reply.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        reply.on('end', () => resolve(text))
      })
      asked.end(body)
      if (at % 10 === 9) setImmediate(() => asked.destroy(new Error('gone')))
      const hash = createHash('sha256').update(body).digest('hex').slice(0, 16)
      expected.set(at, hash)
    })
  const expected = new Map<number, string>()
  const outcomes = await Promise.allSettled(Array.from({ length: 400 }, (_, at) => send(at)))
  for (const [at, outcome] of outcomes.entries()) {
    if (outcome.status === 'rejected') {
      assert.equal(at % 10, 9, String(outcome.reason))
      continue
    }
    const seen: { target: string; bodyHash: string } = JSON.parse(outcome.value)
    assert.deepEqual([seen.target, seen.bodyHash], [`/${at}`, expected.get(at)])
  }
})
