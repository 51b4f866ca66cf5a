import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, mkdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, test, type TestContext } from 'node:test'
import { testCertificate } from '../support/certificates.ts'
import { startIntercepting, startTarget, targetRoot, type Intercepting } from '../support/forward/start-intercepting.ts'
import { requireProgram } from '../support/peers/require-program.ts'

interface Ran {
  stdout: string
  stderr: string
}

/** Runs a program to its end, some seconds at most. */
async function run(
  t: TestContext,
  [program, ...args]: [string, ...string[]],
  { env = {}, input = '', seconds = 15 }: { env?: NodeJS.ProcessEnv; input?: string; seconds?: number } = {},
): Promise<Ran> {
  const child = spawn(program, args, { env: { ...process.env, ...env }, timeout: seconds * 1000 })
  t.after(() => child.kill('SIGKILL'))
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { stdout, stderr }
}

const curl = (t: TestContext, proxy: Intercepting, ...args: string[]): Promise<Ran> =>
  run(t, ['curl', '-sS', '--max-time', '10', '--cacert', proxy.authority.file, ...args])

const request = (host: string): string => `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`

const sClient = (t: TestContext, proxy: Intercepting, host: string, ...args: string[]): Promise<Ran> => {
  const options = ['-proxy', `127.0.0.1:${proxy.port}`, '-connect', `${host}:443`, '-servername', host, '-ign_eof']
  return run(t, ['openssl', 's_client', ...options, '-CAfile', proxy.authority.file, ...args], { input: request(host) })
}

describe('real clients in tunnels that are looked into', () => {
  for (const scheme of ['http', 'https', 'socks5h', 'socks4a']) {
    test(`curl, by ${scheme}`, async (t) => {
      if (!requireProgram(t, 'curl')) return
      const target = await startTarget(t)
      const { certFile, keyFile } = testCertificate({ subject: 'p', names: ['IP:127.0.0.1'], issuer: targetRoot() })
      const proxy = await startIntercepting(t, target.port, {
        listener: { tls: { certificates: [{ cert: certFile, key: keyFile }] } },
      })
      const { stdout, stderr } = await curl(
        t,
        proxy,
        '-x',
        `${scheme}://127.0.0.1:${proxy.port}`,
        '--proxy-cacert',
        targetRoot().certFile,
        'https://a.test/1',
        'https://a.test/2',
        'https://b.test/3',
      )
      assert.equal(stdout, 'a.test /1a.test /2b.test /3', stderr)
      const lines = await proxy.logged(5)
      assert.deepEqual(lines.map(({ path }) => path).toSorted(), ['/1', '/2', '/3', 'a.test:443', 'b.test:443'])
    })
  }

  test('curl, raw TLS that is routed by its ClientHello', async (t) => {
    if (!requireProgram(t, 'curl')) return
    const target = await startTarget(t)
    const proxy = await startIntercepting(t, target.port, {
      listener: { mode: 'sni', auth: 'off', allowFrom: ['127.0.0.0/8'] },
    })
    const { stdout, stderr } = await curl(
      t,
      proxy,
      '--connect-to',
      `a.test:443:127.0.0.1:${proxy.port}`,
      'https://a.test/x',
    )
    assert.equal(stdout, 'a.test /x', stderr)
    assert.deepEqual(
      (await proxy.logged(2)).map(({ protocol }) => protocol),
      ['HTTP/1.1', 'TLS'],
    )
  })

  test('T6 the leaf, as openssl s_client sees it: its names, its authority, its lifetime', async (t) => {
    if (!requireProgram(t, 'openssl')) return
    const { cert, key } = testCertificate({
      subject: 'target',
      names: ['DNS:a.test', 'IP:127.0.0.1'],
      issuer: targetRoot(),
    })
    const target = await startTarget(t, undefined, { cert, key })
    const proxy = await startIntercepting(t, target.port, {
      names: ['a.test', '127.0.0.1'],
      intercept: { leafLifetime: '2h' },
    })
    const serials = new Set<string>()
    for (const [host, name] of [
      ['a.test', 'DNS:a.test'],
      ['127.0.0.1', 'IP Address:127.0.0.1'],
    ] as const) {
      const sni = host === 'a.test' ? ['-servername', host] : ['-noservername']
      const options = ['-proxy', `127.0.0.1:${proxy.port}`, '-connect', `${host}:443`, ...sni, '-ign_eof']
      const { stdout } = await run(
        t,
        ['openssl', 's_client', ...options, '-CAfile', proxy.authority.file, '-verify_return_error'],
        { input: request(host) },
      )
      assert.match(stdout, /Verify return code: 0 \(ok\)/)
      assert.match(stdout, /HTTP\/1\.1 200 OK/)
      const leaf = new X509Certificate(/-----BEGIN[\s\S]*?-----END CERTIFICATE-----/.exec(stdout)![0])
      const authority = new X509Certificate(execFileSync('cat', [proxy.authority.file]))
      assert.equal(leaf.subjectAltName, name)
      assert.ok(leaf.checkIssued(authority) && leaf.verify(authority.publicKey))
      assert.ok(Date.parse(leaf.validTo) - Date.now() < 2.1 * 3_600_000, leaf.validTo)
      serials.add(leaf.serialNumber)
    }
    assert.equal(serials.size, 2)
  })

  for (const version of ['-tls1_3', '-tls1_2']) {
    test(`T10 T11 a session resumes on its name alone (${version})`, async (t) => {
      if (!requireProgram(t, 'openssl')) return
      const target = await startTarget(t)
      const proxy = await startIntercepting(t, target.port)
      const folder = mkdtempSync(join(tmpdir(), 'turnpike-sessions-'))
      t.after(() => rmSync(folder, { recursive: true, force: true }))
      const session = join(folder, 'session.pem')
      const first = await sClient(t, proxy, 'a.test', version, '-sess_out', session)
      assert.match(first.stdout, /^New, /m)
      const again = await sClient(t, proxy, 'a.test', version, '-sess_in', session)
      assert.match(again.stdout, /^Reused, /m)
      assert.match(again.stdout, /a\.test \//, 'T11: the name is that of the ClientHello')
      const other = await sClient(t, proxy, 'b.test', version, '-sess_in', session)
      assert.match(other.stdout, /^New, /m)
      assert.match(other.stdout, /b\.test \//)
    })
  }

  test('Python, by its environment variables', async (t) => {
    if (!requireProgram(t, 'python3')) return
    const target = await startTarget(t)
    const proxy = await startIntercepting(t, target.port)
    const program = 'import urllib.request; print(urllib.request.urlopen("https://a.test/p").read().decode())'
    const env = { https_proxy: `http://127.0.0.1:${proxy.port}`, no_proxy: '', SSL_CERT_FILE: proxy.authority.file }
    const { stdout, stderr } = await run(t, ['python3', '-c', program], { env })
    assert.equal(stdout, 'a.test /p\n', stderr)
  })

  test('T8 a client of each kind that does not trust the authority is named', async (t) => {
    if (!requireProgram(t, 'curl', 'python3')) return
    const target = await startTarget(t)
    const proxy = await startIntercepting(t, target.port)
    const url = `http://127.0.0.1:${proxy.port}`
    const python = 'import urllib.request; urllib.request.urlopen("https://a.test/")'
    const fails = await run(t, ['curl', '-sS', '-x', url, 'https://a.test/'])
    assert.match(fails.stderr, /certificate/)
    await run(t, ['python3', '-c', python], { env: { https_proxy: url, no_proxy: '' } })
    await run(t, [process.execPath, '-e', `fetch('https://a.test/').catch(() => {})`], {
      env: { HTTPS_PROXY: url, NODE_USE_ENV_PROXY: '1' },
    })
    const lines = await proxy.logged(3)
    assert.deepEqual(
      lines.map(({ cause }) => cause),
      ['ERR_LEAF_REFUSED', 'ERR_LEAF_REFUSED', 'ERR_LEAF_REFUSED'],
    )
  })

  test('Chromium, which trusts the exported authority, shows a page whose request a rule has changed', async (t) => {
    if (!requireProgram(t, 'chromium', 'certutil')) return
    const target = await startTarget(t, (received, response) => {
      response.setHeader('content-type', 'text/html')
      response.end(
        `<p id=x>${received.headers.host} ${String(received.headers['x-rule'])} ${received.headers['user-agent']}</p>`,
      )
    })
    const proxy = await startIntercepting(t, target.port, {
      rule: { use: ['mark'] },
      config: {
        middlewares: { mark: { headers: { request: { set: { 'x-rule': 'was here' }, remove: ['user-agent'] } } } },
      },
    })
    const home = mkdtempSync(join(tmpdir(), 'turnpike-chromium-'))
    t.after(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }))
    const database = join(home, '.pki/nssdb')
    mkdirSync(database, { recursive: true })
    execFileSync('certutil', ['-N', '-d', `sql:${database}`, '--empty-password'])
    const trusted = ['-n', 'turnpike', '-t', 'C,,', '-i', proxy.authority.file]
    execFileSync('certutil', ['-A', '-d', `sql:${database}`, ...trusted])
    const options = [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      `--user-data-dir=${join(home, 'profile')}`,
      `--proxy-server=http://127.0.0.1:${proxy.port}`,
      '--dump-dom',
      'https://a.test/',
    ]
    const { stdout, stderr } = await run(t, ['chromium', ...options], { env: { HOME: home }, seconds: 40 })
    assert.match(stdout, /<p id="x">a\.test was here undefined<\/p>/, stderr)
    await proxy.when(() => proxy.log.some(({ path, status }) => path === '/' && status === 200), 'the page in the log')
  })
})
