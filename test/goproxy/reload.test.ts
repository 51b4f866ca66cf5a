import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { ConfigInput } from '../../src/config/config.ts'
import { startGateway } from '../support/gateway.ts'
import { makeModule, writeDownloadFolder } from '../support/goproxy/module-fixtures.ts'
import { ask, get } from '../support/raw-client.ts'

const place = '/example.com/large/@v/v1.0.0'

async function start(t: TestContext) {
  const data = createHash('shake256', { outputLength: 4_000_000 }).update('large').digest()
  const made = await makeModule('example.com/large', 'v1.0.0', { files: { 'data.bin': data } })
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-reload-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await writeDownloadFolder(folder, [made])
  const config: ConfigInput = {
    listeners: { web: { address: '127.0.0.1:0', door: 'goproxy', http2: true } },
    goproxy: { chain: pathToFileURL(folder).href, sumdb: 'off' },
    admin: 'off',
    log: { access: 'off' },
    shutdown: { drain: '200ms' },
  }
  const ending = new AbortController()
  t.after(() => ending.abort())
  const door = await startGateway(t, { config: { ...config, gateway: { routes: [] } } })
  const session = connect(`http://127.0.0.1:${door.port}`, { settings: { initialWindowSize: 65_535 } })
  session.on('error', () => {})
  ending.signal.addEventListener('abort', () => session.destroy())
  return { made, config: { ...config, gateway: { routes: [] } }, door, session }
}

test('a reload that leaves the module proxy as it is keeps what it has: answers, counts, downloads under way', async (t) => {
  const { made, config, door, session } = await start(t)
  assert.equal((await ask(door.port, get('', `${place}.mod`))).field('x-cache'), 'miss')
  const stream = session.request({ ':path': `${place}.zip` })
  await once(stream, 'response')
  const report = await door.turnpike.reload({ ...config, log: { access: 'off', level: 'warn' } })
  assert.deepEqual(report.problems, [])
  await door.when(() => door.count('generations') === 1, 'the generation before to end')
  assert.equal((await ask(door.port, get('', `${place}.mod`))).field('x-cache'), 'hit')
  const pieces: Buffer[] = []
  for await (const piece of stream) pieces.push(piece)
  assert.ok(Buffer.concat(pieces).equals(made.zip), 'the download went on over the reload')
  const counted = door.turnpike.metrics.series.filter(({ route }) => route === 'goproxy:mod')
  assert.deepEqual(
    new Map(counted.map(({ upstream, requests }) => [upstream, requests[2]])),
    new Map([
      [config.goproxy!.chain!, 1],
      ['', 1],
    ]),
  )
})

test('a reload that changes it forgets nothing that is denied from now on', async (t) => {
  const { config, door } = await start(t)
  assert.equal((await ask(door.port, get('', `${place}.mod`))).status, 200)
  const goproxy = { ...config.goproxy, deny: ['example.com/large'] }
  assert.deepEqual((await door.turnpike.reload({ ...config, goproxy })).problems, [])
  assert.equal((await ask(door.port, get('', `${place}.mod`))).status, 403)
  await door.when(() => door.count('generations') === 1, 'the generation before to end')
  await door.turnpike.reload(config)
  assert.equal((await ask(door.port, get('', `${place}.mod`))).status, 200)
})
