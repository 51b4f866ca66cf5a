import assert from 'node:assert/strict'
import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { freePort, portOf } from '../support/peers/free-port.ts'
import { requireProgram } from '../support/peers/require-program.ts'

const main = join(import.meta.dirname, '../../src/cli/main.ts')
const run = promisify(execFile)

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-cli-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

async function origin(t: TestContext): Promise<number> {
  const server = createServer((request, response) => response.end(`${request.method} ${request.url}\n`))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close().closeAllConnections())
  return portOf(server)
}

/** `turnpike forward` in a folder of its own, as somebody starts it; resolves when it says where it is. */
async function startForward(t: TestContext, env: Record<string, string> = {}) {
  const cwd = temporary(t)
  const [httpPort, tlsPort] = [await freePort(), await freePort()]
  const child = spawn(process.execPath, [main, 'forward'], {
    cwd,
    env: {
      PATH: process.env['PATH'],
      HOME: cwd,
      PROXY_HTTP_PORT: String(httpPort),
      PROXY_TLS_PORT: String(tlsPort),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit')
  t.after(() => child.kill('SIGKILL'))
  let [log, said] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (log += text))
  child.stderr.setEncoding('utf8')
  for await (const text of child.stderr) {
    said += text
    if (said.includes('curl -x')) break
  }
  const stop = async () => {
    child.kill('SIGINT')
    assert.deepEqual(await exited, [0, null])
  }
  return { cwd, said, http: `127.0.0.1:${httpPort}`, tls: `127.0.0.1:${tlsPort}`, stop, log: () => log }
}

test('turnpike forward: HTTP, CONNECT and SOCKS on both ports, with TLS from an authority of its own', async (t) => {
  if (!requireProgram(t, 'curl')) return
  const proxy = await startForward(t)
  const port = await origin(t)
  const authority = join(proxy.cwd, '.local/share/turnpike/ca')
  assert.ok(proxy.said.includes(`forward proxy on http://${proxy.http} and https://${proxy.tls}`), proxy.said)
  assert.equal(statSync(join(authority, 'authority-key.pem')).mode & 0o777, 0o600)
  const curl = async (...args: string[]) => {
    const { stdout } = await run('curl', ['-sS', '--fail', '--noproxy', '', ...args, `http://127.0.0.1:${port}/a`])
    return stdout
  }
  const secure = ['--proxy-cacert', join(authority, 'authority.pem'), '-x', `https://${proxy.tls}`]
  for (const way of [
    ['-x', `http://${proxy.http}`],
    ['-p', '-x', `http://${proxy.http}`],
    ['-x', `socks4a://${proxy.http}`],
    ['-x', `socks5h://${proxy.http}`],
    ['-x', `socks5://${proxy.tls}`],
    ['-x', `http://${proxy.tls}`],
    secure,
    ['-p', ...secure],
  ])
    assert.equal(await curl(...way), 'GET /a\n', way.join(' '))
  await proxy.stop()
  assert.equal(proxy.log().trim().split('\n').length, 8, 'a line each')
})

test('turnpike forward: UPSTREAM_PROXY is gone through, but for NO_PROXY; metadata addresses are never reached', async (t) => {
  if (!requireProgram(t, 'curl')) return
  const first = await startForward(t)
  const second = await startForward(t, { UPSTREAM_PROXY: `http://${first.http}`, NO_PROXY: 'localhost' })
  const port = await origin(t)
  assert.ok(second.said.includes(`through    http://${first.http}`), second.said)
  const curl = (url: string) =>
    run('curl', ['-sS', '--noproxy', '', '-w', '%{http_code}', '-o', '/dev/null', '-x', `http://${second.http}`, url])
  assert.equal((await curl(`http://127.0.0.1:${port}/by-parent`)).stdout, '200')
  assert.equal((await curl(`http://localhost:${port}/without`)).stdout, '200')
  assert.equal((await curl('http://169.254.169.254/latest/meta-data')).stdout, '403')
  await second.stop()
  await first.stop()
  assert.match(first.log(), /by-parent/)
  assert.doesNotMatch(first.log(), /without|meta-data/)
})

function turnpike(cwd: string, env: Record<string, string>, ...args: string[]) {
  return spawnSync(process.execPath, [main, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd, ...env },
    encoding: 'utf8',
  })
}

test('turnpike forward: what cannot be is said, with its exit code', (t) => {
  const cwd = temporary(t)
  assert.match(turnpike(cwd, {}, 'forward', '--help').stdout, /^Usage: turnpike forward/)
  const open = turnpike(cwd, {}, 'forward', '--listen', '0.0.0.0')
  assert.equal(open.status, 1)
  assert.match(open.stderr, /allowFrom/)
  const port = turnpike(cwd, { PROXY_HTTP_PORT: 'http' }, 'forward')
  assert.equal(port.status, 2)
  assert.match(port.stderr, /PROXY_HTTP_PORT=http is no port/)
  const parent = turnpike(cwd, { UPSTREAM_PROXY: 'ftp://a.example' }, 'forward')
  assert.equal(parent.status, 1)
  const secret = turnpike(cwd, { UPSTREAM_PROXY: 'ftp://me:sesame@a.example' }, 'forward')
  assert.doesNotMatch(secret.stderr, /sesame/)
})

test('turnpike env forward: what makes a shell use it', (t) => {
  const cwd = temporary(t)
  const plain = turnpike(cwd, { SHELL: '/bin/bash' }, 'env', 'forward')
  assert.equal(plain.status, 0, plain.stderr)
  assert.match(plain.stdout, /^export http_proxy='http:\/\/127\.0\.0\.1:8080'$/m)
  assert.match(plain.stdout, /^export HTTPS_PROXY='http:\/\/127\.0\.0\.1:8080'$/m)
  assert.match(plain.stdout, /^export NODE_USE_ENV_PROXY='1'$/m)
  const fish = turnpike(cwd, {}, 'env', 'forward', '--shell', 'fish', '--url', 'http://127.0.0.1:1')
  assert.match(fish.stdout, /^set -gx https_proxy 'http:\/\/127\.0\.0\.1:1'$/m)
  for (const shell of ['powershell', 'cmd']) {
    const { stdout } = turnpike(cwd, {}, 'env', 'forward', '--shell', shell)
    assert.match(stdout, /HTTPS_PROXY/)
  }
  const made = turnpike(cwd, {}, 'ca', 'init')
  assert.equal(made.status, 0, made.stderr)
  writeFileSync(
    join(cwd, 'turnpike.yaml'),
    `listeners: { egress: { address: '127.0.0.1:3128', door: forward } }
forward: { auth: off, rules: [{ match: { host: a.example }, intercept: true }], intercept: { authority: ./ca } }
`,
  )
  const configured = turnpike(cwd, {}, 'env', 'forward')
  assert.match(configured.stdout, /^export http_proxy='http:\/\/127\.0\.0\.1:3128'$/m)
  assert.ok(configured.stdout.includes(`NODE_EXTRA_CA_CERTS='${join(cwd, 'ca/authority.pem')}'`), configured.stdout)
  assert.equal(turnpike(cwd, {}, 'env', 'nothing').status, 2)
})
