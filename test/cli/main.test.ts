import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

const main = join(import.meta.dirname, '../../src/cli/main.ts')

const cases: [args: string[], code: number, stdout: RegExp, stderr: RegExp][] = [
  [[], 2, /^$/, /Usage: turnpike COMMAND/],
  [['--help'], 0, /Usage: turnpike COMMAND/, /^$/],
  [['--version'], 0, /^\d+\.\d+\.\d+\n$/, /^$/],
  [['chek'], 2, /^$/, /no command "chek"; did you mean "check"\?/],
  [['run', '--nonsense'], 2, /^$/, /Usage: turnpike run/],
  [['run', '--config', 'absent.yaml'], 1, /^$/, /^absent\.yaml:1:1: there is no such file/],
  [['gateway'], 2, /^$/, /--to is missing/],
  [['gateway', '--to', 'ftp://x'], 2, /^$/, /is not an endpoint/],
  [['gateway', '--help'], 0, /Usage: turnpike gateway/, /^$/],
  [['check'], 1, /^$/, /There is no turnpike\.yaml/],
  [['explain', 'GET'], 2, /^$/, /METHOD and URL are needed/],
  [['why', '???'], 2, /^$/, /is no request id/],
  [['demo', 'x'], 2, /^$/, /one argument too many/],
]

for (const [args, code, stdout, stderr] of cases) {
  test(`turnpike ${args.join(' ')} ends with ${code}`, async (t) => {
    const cwd = await mkdtemp(join(tmpdir(), 'turnpike-cli-'))
    t.after(() => rm(cwd, { recursive: true }))
    const { INIT_CWD: _, ...env } = process.env
    const result = spawnSync(process.execPath, [main, ...args], { cwd, env, encoding: 'utf8' })
    assert.equal(result.status, code, result.stderr)
    assert.match(result.stdout, stdout)
    assert.match(result.stderr, stderr)
  })
}

test('a second signal stops at once, though a request is still in flight', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-cli-'))
  t.after(() => rm(folder, { recursive: true }))
  const { createServer } = await import('node:net')
  const silent = createServer(() => {})
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  t.after(() => silent.close())
  const address = silent.address()
  assert.ok(typeof address === 'object' && address !== null)
  const config = join(folder, 'turnpike.json')
  const upstreams = { app: { endpoints: [`http://127.0.0.1:${address.port}`] } }
  await writeFile(
    config,
    JSON.stringify({
      listeners: { web: { address: '127.0.0.1:0', door: 'gateway' } },
      gateway: { routes: [{ name: 'all', to: 'app' }], upstreams },
      admin: 'off',
    }),
  )
  const child = spawn(process.execPath, [main, 'run', '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  const says = async (what: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = what.exec(said)
      if (found !== null) return found
      await new Promise((resolve) => child.stderr.once('data', resolve))
    }
  }
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk))
  const exited = new Promise<number | null>((resolve) => child.on('exit', resolve))
  const [, port] = await says(/http:\/\/127\.0\.0\.1:(\d+)/)
  const inFlight = new Promise<void>((resolve) => silent.once('connection', () => resolve()))
  const client = request({ host: '127.0.0.1', port: Number(port) })
  client.on('error', () => {}).end()
  await inFlight
  child.kill('SIGTERM')
  await says(/a second signal stops at once/)
  child.kill('SIGTERM')
  assert.equal(await exited, 0)
  assert.match(said, /stopped; 1 busy connections were cut/)
})
