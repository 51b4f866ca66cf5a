import assert from 'node:assert/strict'
import http from 'node:http'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import type { ConfigInput } from '../../src/config/config.ts'
import { AdminServer } from '../../src/control/admin-server.ts'
import type { FlowFeed } from '../../src/control/control-port.ts'
import { realWorld } from '../../src/engine/real-world.ts'
import { controlPort } from '../control/control-fixture.ts'
import { startForward } from '../support/forward/start-forward.ts'
import { startOrigin } from '../support/origin.ts'
import { ask } from '../support/raw-client.ts'

const admin = { address: '127.0.0.1:0' }

function recordIn(t: TestContext): { flows: string } {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-flows-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return { flows: join(folder, 'flows.har') }
}

function get(port: number, headers: Record<string, string> = {}): Promise<http.IncomingMessage> {
  const answered = Promise.withResolvers<http.IncomingMessage>()
  http
    .get({ host: '127.0.0.1', port, path: '/api/flows', agent: false, headers }, answered.resolve)
    .on('error', answered.reject)
  return answered.promise
}

const stream = { Accept: 'text/event-stream' }

/** Server-sent events as they come. */
async function* eventsOf(response: http.IncomingMessage): AsyncGenerator<{ event: string; url: string }> {
  let text = ''
  for await (const piece of response.setEncoding('utf8')) {
    text += String(piece)
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const [, event = '', data = ''] = /^event: (\w+)\ndata: (.*)$/.exec(text.slice(0, end)) ?? []
      text = text.slice(end + 2)
      const { request }: { request: { url: string } } = JSON.parse(data)
      yield { event, url: request.url }
    }
  }
}

const through = (port: number, url: string): Promise<unknown> =>
  ask(port, `GET ${url} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: close\r\n\r\n`)

describe('/api/flows', () => {
  test('gives the last flows, and each one as it ends, secrets left out, until the record ends', async (t) => {
    const origin = await startOrigin(t)
    const record = recordIn(t)
    const proxy = await startForward(t, { record }, { config: { admin } })
    const bound = proxy.turnpike.adminAddress!
    const port = bound.kind === 'tcp' ? bound.port : 0
    await through(proxy.port, `${origin.url}/1?token=s3cret`)
    const response = await get(port, stream)
    assert.equal(response.headers['content-type'], 'text/event-stream')
    const events = eventsOf(response)
    const next = async () => (await events.next()).value
    assert.deepEqual(await next(), { event: 'flow', url: `${origin.url}/1?token=[redacted]` })
    await through(proxy.port, `${origin.url}/2`)
    assert.deepEqual(await next(), { event: 'flow', url: `${origin.url}/2` })
    const list = await get(port)
    const { flows }: { flows: { request: { url: string } }[] } = JSON.parse((await list.toArray()).join(''))
    assert.deepEqual(
      flows.map(({ request }) => request.url),
      [`${origin.url}/1?token=[redacted]`, `${origin.url}/2`],
    )
    const input: ConfigInput = {
      listeners: { web: { address: '127.0.0.1:0', door: 'forward' } },
      forward: { guard: { allow: ['127.0.0.0/8'] }, record: { ...record, bodies: 'off' } },
      admin,
      log: { access: 'off' },
    }
    assert.equal((await proxy.turnpike.reload(input)).result, 'applied')
    await through(proxy.port, `${origin.url}/3`)
    assert.deepEqual(await next(), { event: 'flow', url: `${origin.url}/3` }, 'a reload goes on')
    const { record: _, ...forward } = input.forward!
    assert.equal((await proxy.turnpike.reload({ ...input, forward })).result, 'applied')
    assert.equal((await events.next()).done, true)
    assert.equal((await get(port, stream)).resume().statusCode, 404)
    const none = await get(port)
    assert.deepEqual(JSON.parse((await none.toArray()).join('')), { flows: null })
  })

  test('ends when the process stops', async (t) => {
    const proxy = await startForward(t, { record: recordIn(t) }, { config: { admin } })
    const bound = proxy.turnpike.adminAddress!
    const response = await get(bound.kind === 'tcp' ? bound.port : 0, stream)
    const ended = once(response.resume(), 'end')
    await proxy.turnpike.stop(0)
    await ended
  })

  test('lets go of readers that are too slow, and of those that leave; takes so many, and no more', async (t) => {
    const watchers = new Set<Parameters<FlowFeed['watch']>[0]>()
    let left = Promise.withResolvers<void>()
    const feed: FlowFeed = {
      recent: [],
      watch(watcher) {
        watchers.add(watcher)
        return () => {
          watchers.delete(watcher)
          left.resolve()
        }
      },
    }
    const port = controlPort({ flows: () => feed })
    const address = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const
    const server = await AdminServer.listen({
      address,
      token: 'letmein',
      port,
      world: realWorld(),
      onError: (error) => assert.fail(String(error)),
    })
    t.after(() => server.close())
    const bound = server.address()
    const at = bound.kind === 'tcp' ? bound.port : 0
    const login = { ...stream, Authorization: 'Bearer letmein' }
    assert.equal((await get(at, stream)).resume().statusCode, 401)
    const slow = await get(at, login)
    slow.on('error', () => {})
    assert.equal(watchers.size, 1)
    const entry = JSON.stringify({ text: 'x'.repeat(1024 * 1024) })
    for (let n = 0; n < 64 && watchers.size > 0; n++) {
      for (const watcher of watchers) watcher.flow(entry)
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.equal(watchers.size, 0)
    const readers = await Promise.all(Array.from({ length: 32 }, () => get(at, login)))
    assert.equal((await get(at, login)).resume().statusCode, 503)
    left = Promise.withResolvers()
    readers[0]!.on('error', () => {}).destroy()
    await left.promise
    assert.equal(watchers.size, 31)
    for (const reader of readers) reader.on('error', () => {}).destroy()
  })
})
