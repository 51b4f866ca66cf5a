import assert from 'node:assert/strict'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as after } from 'node:timers/promises'
import { ask, get } from '../support/raw-client.ts'
import { answeringConfig, runFolder, startRunning, type Running } from './running.ts'

const body = async ({ port }: Running): Promise<string> => (await ask(port, get())).body

test('W11 a file that changes is read again, and what it says serves', async (t) => {
  const running = await startRunning(t, { 'turnpike.yaml': answeringConfig('one') })
  assert.equal(await body(running), 'one')
  const before = running.turnpike.loaded.revision
  running.write('turnpike.yaml', answeringConfig('two'))
  const { result, reason, revision } = await running.reloads(1)
  assert.deepEqual([result, reason], ['applied', 'file'])
  assert.notEqual(revision, before)
  assert.equal(await body(running), 'two')
})

test('W4 a bad config changes nothing, and is told with file, line and column', async (t) => {
  const running = await startRunning(t, { 'turnpike.yaml': answeringConfig('good') })
  running.write('turnpike.yaml', answeringConfig('bad').replace('respond', 'respnod'))
  const { result, problems } = await running.reloads(1)
  assert.equal(result, 'refused')
  assert.match(JSON.stringify(problems), /"line":4,"column":20.*respnod.*did you mean.*respond/)
  assert.match(JSON.stringify(running.said), /turnpike\.yaml:4:20/)
  assert.equal(running.turnpike.history.successful, false)
  assert.equal(await body(running), 'good')
  running.write('turnpike.yaml', answeringConfig('better'))
  assert.equal((await running.reloads(2)).result, 'applied')
  assert.equal(running.turnpike.history.successful, true)
  assert.equal(await body(running), 'better')
})

test('a file that is still being written is waited for', async (t) => {
  const running = await startRunning(t, { 'turnpike.yaml': answeringConfig('one') })
  const text = answeringConfig('whole')
  const file = openSync(join(running.folder, 'turnpike.yaml'), 'w')
  // Truncated first, then a few bytes at a time, for longer than a file needs to settle.
  await after(150)
  for (let at = 0; at < text.length; at += 20) {
    writeSync(file, text.slice(at, at + 20))
    await after(25)
  }
  closeSync(file)
  const { result } = await running.reloads(1)
  assert.equal(result, 'applied')
  assert.equal(await body(running), 'whole')
  assert.deepEqual(running.turnpike.history.counts, { applied: 1, unchanged: 0, refused: 0 })
})

test('a new file that takes the place of the old one counts, as editors save; a touch does not', async (t) => {
  const running = await startRunning(t, { 'turnpike.yaml': answeringConfig('one') })
  running.write('turnpike.yaml~', answeringConfig('renamed'))
  renameSync(join(running.folder, 'turnpike.yaml~'), join(running.folder, 'turnpike.yaml'))
  assert.equal((await running.reloads(1)).result, 'applied')
  assert.equal(await body(running), 'renamed')
  running.write('turnpike.yaml', answeringConfig('renamed'))
  rmSync(join(running.folder, 'turnpike.yaml'))
  await after(120)
  running.write('turnpike.yaml', answeringConfig('back'))
  assert.equal((await running.reloads(2)).result, 'applied')
  assert.equal(await body(running), 'back')
  assert.deepEqual(running.turnpike.history.counts, { applied: 2, unchanged: 0, refused: 0 })
})

test('a Kubernetes volume is swapped by a link to a folder', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-volume-'))
  const version = (name: string, text: string): void => {
    mkdirSync(join(folder, name))
    writeFileSync(join(folder, name, 'turnpike.yaml'), text)
  }
  version('..1', answeringConfig('one'))
  symlinkSync('..1', join(folder, '..data'))
  symlinkSync('..data/turnpike.yaml', join(folder, 'turnpike.yaml'))
  const running = await runFolder(t, folder)
  for (const [index, text] of ['two', 'three'].entries()) {
    version(`..${index + 2}`, answeringConfig(text))
    symlinkSync(`..${index + 2}`, join(folder, '..data_tmp'))
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
    rmSync(join(folder, `..${index + 1}`), { recursive: true })
    assert.equal((await running.reloads(index + 1)).result, 'applied')
    assert.equal(await body(running), text)
  }
})

test('W11 a secret that changes is another revision, though it never shows', async (t) => {
  const token = 'admin: { address: "127.0.0.1:0", token: { file: token } }'
  const running = await startRunning(t, {
    'turnpike.yaml': answeringConfig('one').replace('admin: off', token),
    token: 'sesame-one\n',
  })
  const { turnpike } = running
  const admin = turnpike.adminAddress!
  const port = admin.kind === 'tcp' ? admin.port : 0
  const asked = (secret: string, method = 'GET', path = '/api/generations'): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, { method, headers: { authorization: `Bearer ${secret}` } })
  const revision = turnpike.loaded.revision
  assert.equal((await asked('sesame-one')).status, 200)
  running.write('token', 'sesame-two\n')
  assert.equal((await running.reloads(1)).result, 'applied')
  assert.notEqual(turnpike.loaded.revision, revision)
  assert.equal((await asked('sesame-one')).status, 401)
  const text = await (await asked('sesame-two')).text()
  assert.match(text, new RegExp(`"revision": "${turnpike.loaded.revision}"`))
  assert.doesNotMatch(text, /sesame/)
  const reread = await asked('sesame-two', 'POST', '/api/reload')
  assert.equal(reread.status, 200)
  assert.match(await reread.text(), /"result": "unchanged"/)
  running.write('token', '')
  const refused = await asked('sesame-two', 'POST', '/api/reload')
  assert.equal(refused.status, 422)
  assert.match(await refused.text(), /ERR_CONFIG_SECRET/)
})
