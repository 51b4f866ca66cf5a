import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { makeModule } from '../support/goproxy/module-fixtures.ts'
import { startProxyPeer } from '../support/goproxy/proxy-origin.ts'
import { startRedis } from '../support/goproxy/redis-server.ts'
import { freePort } from '../support/peers/free-port.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import { peerFolder, spawnPeer, type Peer } from '../support/peers/spawn-peer.ts'

const command = path.resolve(import.meta.dirname, '../../src/cli/main.ts')
const zip = '/example.com/tool/@v/v1.0.0.zip'

/** `turnpike run` as a process of its own. */
async function startReplica(t: TestContext, goproxy: object): Promise<Peer> {
  const folder = peerFolder('replica')
  const port = await freePort()
  const config = {
    admin: 'off',
    listeners: { modules: { address: `127.0.0.1:${port}`, door: 'goproxy' } },
    goproxy,
  }
  writeFileSync(path.join(folder, 'turnpike.json'), JSON.stringify(config))
  const replica = await spawnPeer({
    name: 'turnpike',
    command: [process.execPath, command, 'run', '--config', path.join(folder, 'turnpike.json')],
    port,
    folder,
  })
  t.after(() => replica.stop())
  return replica
}

async function fetchZip({ port }: Peer): Promise<Buffer> {
  const reply = await fetch(`http://127.0.0.1:${port}${zip}`)
  assert.equal(reply.status, 200)
  return Buffer.from(await reply.arrayBuffer())
}

test('two processes with Redis, 200 clients and one cold version: one fetch', async (t) => {
  if (!requireProgram(t, 'redis-server')) return
  const fixture = await makeModule('example.com/tool', 'v1.0.0')
  const origin = await startProxyPeer(t, { modules: [fixture] })
  const folder = await mkdtemp(path.join(tmpdir(), 'turnpike-shared-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const redis = await startRedis()
  t.after(() => redis.stop())
  const goproxy = {
    chain: origin.url,
    sumdb: 'off',
    store: { disk: { path: folder } },
    coordination: { redis: { url: `redis://127.0.0.1:${redis.port}/0` } },
  }
  const replicas = await Promise.all([startReplica(t, goproxy), startReplica(t, goproxy)])
  const zips = await Promise.all(Array.from({ length: 200 }, (_, at) => fetchZip(replicas[at % 2]!)))
  for (const bytes of zips) assert.ok(bytes.equals(fixture.zip))
  for (const end of ['.info', '.mod', '.zip']) assert.equal(origin.times(`v1.0.0${end}`), 1, end)
})
