import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ask, get } from '../support/raw-client.ts'
import { answeringConfig, startRunning } from './running.ts'

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

test('turnpike run reloads on signals and changes, and ends with 0 and a line', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-run-'))
  const write = (text: string): void => {
    writeFileSync(join(folder, 'next'), text)
    renameSync(join(folder, 'next'), join(folder, 'turnpike.yaml'))
  }
  write(answeringConfig('one'))
  const child = spawn(process.execPath, ['--disable-sigusr1', main, 'run'], {
    cwd: folder,
    env: { ...process.env, INIT_CWD: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  t.after(() => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const says = async (what: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = what.exec(said)
      if (found !== null) return found
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${said}`)
      await Promise.race([once(child.stderr, 'data'), once(child, 'exit')])
    }
  }
  const port = Number((await says(/http:\/\/127\.0\.0\.1:(\d+)/))[1])
  assert.equal((await ask(port, get())).body, 'one')
  child.kill('SIGUSR2')
  await says(/"message":"the config has not changed","reason":"signal"/)
  write(answeringConfig('two'))
  await says(/"message":"a new config serves","reason":"file"/)
  assert.equal((await ask(port, get())).body, 'two')
  write(answeringConfig('three').replace('respond', 'respnod'))
  await says(/"message":"the config is refused".*turnpike\.yaml:4:20: .*did you mean/)
  said = ''
  child.kill('SIGHUP')
  await says(/"reason":"signal","problem":"turnpike\.yaml:4:20/)
  assert.equal((await ask(port, get())).body, 'two')
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const [code]: (number | null)[] = await ended
  assert.equal(code, 0)
  assert.match(said, /turnpike: stopped\n$/)
})

const logTo = (to: string): string =>
  answeringConfig('hi').replace('access: off', to === 'off' ? 'access: off, level: warn' : `access: { to: ${to} }`)

test('the access log moves, stops and begins again with the config', async (t) => {
  const running = await startRunning(t, { 'turnpike.yaml': answeringConfig('hi') })
  const { port, folder, turnpike, write, reloads } = running
  const paths = (file: string): string[] =>
    Array.from(readFileSync(join(folder, file), 'utf8').matchAll(/"path":"([^"]*)"/g), ([, path]) => path!)
  for (const [index, to] of ['a.log', 'b.log', 'off', 'a.log'].entries()) {
    write('turnpike.yaml', logTo(to))
    assert.equal((await reloads(index + 1)).result, 'applied')
    await ask(port, get('', `/${index}`))
  }
  await turnpike.stop(0)
  assert.deepEqual(paths('a.log'), ['/0', '/3'])
  assert.deepEqual(paths('b.log'), ['/1'])
  assert.equal(turnpike.services.ledger.count('logFiles'), 0)
})

test('a log that cannot be opened refuses the reload', async (t) => {
  const { port, write, reloads } = await startRunning(t, { 'turnpike.yaml': answeringConfig('one') })
  write('turnpike.yaml', answeringConfig('two').replace('access: off', 'access: { to: nowhere/access.log }'))
  const { result, problems } = await reloads(1)
  assert.deepEqual([result, problems[0]?.code], ['refused', 'ERR_LOG_FILE'])
  assert.equal((await ask(port, get())).body, 'one')
})
