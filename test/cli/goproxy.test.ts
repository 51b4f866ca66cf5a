import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { makeModule } from '../support/goproxy/module-fixtures.ts'
import { startProxyPeer } from '../support/goproxy/proxy-origin.ts'

const main = join(import.meta.dirname, '../../src/cli/main.ts')

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-cli-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Runs a command in a folder, as a shell does that has nothing of Go's set but this. */
async function turnpike(cwd: string, env: Record<string, string>, ...args: string[]) {
  const child = spawn(process.execPath, [main, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd, GOENV: 'off', NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const [code]: (number | null)[] = await once(child, 'close')
  return { code, stdout, stderr }
}

test('turnpike goproxy: a chain from GOPROXY, without itself; what came stays in the folder', async (t) => {
  const cwd = temporary(t)
  const peer = await startProxyPeer(t, { modules: [await makeModule('example.com/tool', 'v1.0.0')] })
  const env = {
    PATH: process.env['PATH'],
    HOME: cwd,
    GOENV: 'off',
    GOPROXY: `http://localhost:0,${peer.url}`,
    GOSUMDB: 'off',
  }
  const child = spawn(process.execPath, [main, 'goproxy', '--listen', '127.0.0.1:0', '--dir', 'kept'], {
    cwd,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const exited = once(child, 'exit')
  t.after(() => child.kill('SIGKILL'))
  let said = ''
  child.stderr.setEncoding('utf8')
  for await (const text of child.stderr) {
    said += text
    if (said.includes('export GOPROXY=')) break
  }
  assert.match(said, /^ {2}chain +(\S+) \(GOPROXY\) \(without itself/m)
  assert.ok(said.includes(` ${peer.url} (GOPROXY)`))
  const [, url] = /export GOPROXY=(\S+)/.exec(said)!
  const reply = await fetch(`${url}/example.com/tool/@v/v1.0.0.info`)
  assert.equal(reply.status, 200, await reply.text())
  assert.ok(existsSync(join(cwd, 'kept/cache/download/example.com/tool/@v/v1.0.0.info')))
  child.kill('SIGINT')
  assert.deepEqual(await exited, [0, null])
})

function run(...args: string[]) {
  return spawnSync(process.execPath, [main, 'goproxy', ...args], { encoding: 'utf8' })
}

test('turnpike goproxy: what cannot be is said, with its exit code', () => {
  assert.match(run('--help').stdout, /^Usage: turnpike goproxy/)
  const near = run('verfy')
  assert.equal(near.status, 2)
  assert.match(near.stderr, /did you mean "verify"/)
  assert.equal(run('--listen', 'nowhere').status, 1)
})

test('turnpike goproxy warm: fetches a list once, checks a go.sum, and says what is wrong', async (t) => {
  const cwd = temporary(t)
  const [tool, lib] = [await makeModule('example.com/tool', 'v1.0.0'), await makeModule('example.com/lib', 'v0.2.0')]
  const peer = await startProxyPeer(t, { modules: [tool, lib] })
  const env = { GOPROXY: peer.url, GOSUMDB: 'off' }
  writeFileSync(join(cwd, 'list'), 'example.com/tool@v1.0.0\n')
  assert.deepEqual(await turnpike(cwd, env, 'goproxy', 'warm', 'list', '--dir', 'kept'), {
    code: 0,
    stdout: '1 of 1 versions are kept.\n',
    stderr: '',
  })
  const sum = [
    `${tool.module} ${tool.version} ${tool.h1}`,
    `${tool.module} ${tool.version}/go.mod ${tool.modH1}`,
    `${lib.module} ${lib.version}/go.mod ${lib.modH1}`,
  ]
  writeFileSync(join(cwd, 'go.sum'), `${sum.join('\n')}\n`)
  assert.equal((await turnpike(cwd, env, 'goproxy', 'warm', 'go.sum', '--dir', 'kept')).code, 0)
  assert.equal(peer.times('tool/@v/v1.0.0.zip'), 1, 'what is kept is not fetched again')
  assert.equal(peer.times('lib/@v/v0.2.0.zip'), 0, 'a go.mod alone is all that is needed')
  writeFileSync(join(cwd, 'go.sum'), `${sum.join('\n').replace(tool.h1, lib.h1)}\nexample.com/none v1.0.0 h1:x=\n`)
  const wrong = await turnpike(cwd, env, 'goproxy', 'warm', 'go.sum', '--dir', 'kept')
  assert.equal(wrong.code, 1)
  assert.equal(wrong.stdout, '1 of 3 versions are kept.\n')
  assert.match(wrong.stderr, /^example\.com\/tool@v1\.0\.0: its zip is h1:\S+, the go\.sum says h1:/m)
  assert.match(wrong.stderr, /^example\.com\/none@v1\.0\.0: /m)
  assert.equal((await turnpike(cwd, env, 'goproxy', 'warm', 'absent', '--dir', 'kept')).code, 1)
})

test('turnpike env goproxy: for this machine, and for what a config has', async (t) => {
  const cwd = temporary(t)
  const bare = await turnpike(cwd, {}, 'env', 'goproxy')
  assert.equal(bare.stdout, "export GOPROXY='http://127.0.0.1:3000'\n")
  writeFileSync(
    join(cwd, 'turnpike.yaml'),
    'listeners: { m: { address: "127.0.0.1:3999", door: goproxy } }\ngoproxy: { private: [git.example.com] }\n',
  )
  const { stdout } = await turnpike(cwd, {}, 'env', 'goproxy', '--shell', 'fish')
  assert.equal(
    stdout,
    "set -gx GOPROXY 'http://127.0.0.1:3999'\nset -gx GONOPROXY 'none'\nset -gx GONOSUMDB 'git.example.com'\n",
  )
  assert.equal((await turnpike(cwd, {}, 'env', 'goproxy', '--shell', 'tcsh')).code, 2)
})
