import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { testCertificate } from '../support/certificates.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { bodyHash, startRecordingOrigin } from '../support/peers/recording-origin.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'

const run = promisify(execFile)
const certificate = testCertificate({ subject: 'localhost', names: ['DNS:localhost', 'IP:127.0.0.1'] })
const tls = { certificates: [{ cert: certificate.certFile, key: certificate.keyFile }] }

function assertAllHttp2({ log }: TestGateway): void {
  assert.deepEqual([...new Set(log.map(({ protocol, status }) => `${protocol} ${status}`))], ['HTTP/2 200'])
}

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'turnpike-h2-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('curl: over TLS, by prior knowledge, uploads and many at once', async (t) => {
  if (!requireProgram(t, 'curl')) return
  const origin = await startRecordingOrigin()
  t.after(() => origin.stop())
  const file = path.join(temporaryFolder(t), 'body.bin')
  const body = randomBytes(5_000_000)
  writeFileSync(file, body)
  for (const [listener, scheme, how] of [
    [{ tls }, 'https', '--http2'],
    [{ http2: true }, 'http', '--http2-prior-knowledge'],
  ] as const) {
    const gateway = await startGateway(t, { to: [origin.port], listener })
    const url = `${scheme}://127.0.0.1:${gateway.port}`
    const curl = async (...args: string[]): Promise<string> =>
      (
        await run('curl', [
          '-sS',
          '-k',
          '--max-time',
          '20',
          how,
          '-o',
          '/dev/null',
          '-w',
          '%{http_version} %{http_code}\n',
          ...args,
        ])
      ).stdout
    assert.equal(await curl(`${url}/a`), '2 200\n')
    assert.equal(await curl('-T', file, `${url}/upload`), '2 200\n')
    assert.equal(origin.seen.at(-1)!.bodyHash, bodyHash(body))
    // curl 7.88 fails at that by prior knowledge, whatever serves it.
    if (scheme === 'https') {
      const many = Array.from({ length: 60 }, (_, at) => `${url}/${at}`)
      const replies = await curl(
        '--parallel',
        '--parallel-max',
        '30',
        ...many.flatMap((each) => ['-o', '/dev/null', each]).slice(2),
      )
      assert.equal(replies, '2 200\n'.repeat(60))
    }
    assertAllHttp2(gateway)
  }
})

test('nghttp and h2load: every request is answered', async (t) => {
  if (!requireProgram(t, 'nghttp', 'h2load')) return
  const origin = await startOrigin(
    t,
    answering(() => ok('hello')),
  )
  const gateway = await startGateway(t, { to: [origin.port], listener: { tls } })
  const url = `https://127.0.0.1:${gateway.port}/`
  assert.equal((await run('nghttp', ['--no-verify-peer', url])).stdout, 'hello')
  const { stdout } = await run('h2load', ['-n', '2000', '-c', '4', '-m', '25', url])
  assert.match(stdout, /2000 succeeded, 0 failed, 0 errored, 0 timeout/)
  assert.equal((await gateway.logged(2001)).length, 2001)
  assertAllHttp2(gateway)
})

test('a browser settles on h2, for the page and for what it fetches', { timeout: 60_000 }, async (t) => {
  if (!requireProgram(t, 'chromium')) return
  const page = `<!doctype html><title>page</title><p id="out">waiting</p><script>
    addEventListener('load', async () => {
      const replies = await Promise.all(Array.from({ length: 20 }, (_, at) => fetch('/' + at, { method: 'POST', body: 'x'.repeat(50000) })))
      const bodies = await Promise.all(replies.map((reply) => reply.text()))
      const protocols = performance.getEntries().map((each) => each.nextHopProtocol).filter(Boolean)
      document.title = 'done'
      out.textContent = [...new Set(protocols)].join() + ' ' + new Set(bodies).size + ' ' + bodies[0]
    })
  </script>`
  const origin = await startOrigin(
    t,
    answering(({ line, body }) =>
      line.startsWith('GET / ') ? ok(page, 'Content-Type: text/html\r\n') : ok(`${body.length}`),
    ),
  )
  const gateway = await startGateway(t, { to: [origin.port], listener: { tls } })
  const { stdout } = await run('chromium', [
    ...'--headless --no-sandbox --disable-gpu --ignore-certificate-errors --virtual-time-budget=10000 --dump-dom'.split(
      ' ',
    ),
    `--user-data-dir=${temporaryFolder(t)}`,
    `https://localhost:${gateway.port}/`,
  ])
  assert.match(stdout, /<p id="out">h2 1 50000<\/p>/)
  assertAllHttp2(gateway)
})
