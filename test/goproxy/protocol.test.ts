import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { makeModule } from '../support/goproxy/module-fixtures.ts'
import { startModules, type ModuleDoor } from '../support/goproxy/module-door.ts'
import type { Message } from '../support/message.ts'

const module = 'example.com/Acme/Tool'
const place = '/example.com/!acme/!tool/@v'
const escaped = '/example.com/%21acme/%21tool/@v'

/** More than what is kept in memory of a zip. */
const largeFiles = { 'data.bin': createHash('shake256', { outputLength: 300_000 }).update('large').digest() }

async function fixture() {
  return await makeModule(module, 'v1.2.3')
}

async function large() {
  const made = await makeModule(module, 'v1.3.0', { files: largeFiles })
  assert.ok(made.zip.length > 70_000, `${made.zip.length} bytes`)
  return made
}

/** The bytes of a reply's body. */
const bytesOf = (reply: Message): Buffer => Buffer.from(reply.body, 'latin1')

function assertError(reply: Message, status: number, code: string): void {
  assert.equal(reply.status, status, reply.body)
  assert.match(reply.field('content-type')!, /^text\/plain(?:; charset=utf-8)?$/)
  assert.match(reply.body, new RegExp(`^[^\n]+\n(?:[^\n]+\n)*${code}, request [\\w-]+\n$`))
  assert.ok(reply.body.length <= 648 && reply.body.trimEnd().split('\n').length <= 8)
  assert.match(reply.field('proxy-status')!, new RegExp(`details="${code}"`))
  assert.ok(reply.body.includes(reply.field('x-request-id')!))
}

describe('the GOPROXY protocol', () => {
  test('G11 G12 G13 G14 every file of a module, with its type and the origin’s bytes', async (t) => {
    const made = await fixture()
    const door = await startModules(t, { modules: [made] })
    const expected: [string, string, Buffer][] = [
      ['/list', 'text/plain; charset=utf-8', Buffer.from('v1.2.3\n')],
      ['/v1.2.3.info', 'application/json', made.info],
      ['/v1.2.3.mod', 'text/plain; charset=utf-8', made.mod],
      ['/v1.2.3.zip', 'application/zip', made.zip],
    ]
    for (const [file, type, bytes] of expected) {
      for (const path of [place, escaped]) {
        const reply = await door.ask(`${path}${file}`)
        assert.equal(reply.status, 200, `${file}: ${reply.body}`)
        assert.equal(reply.field('content-type'), type)
        assert.equal(reply.field('content-length'), String(bytes.length))
        assert.equal(reply.field('content-encoding'), undefined)
        assert.ok(bytesOf(reply).equals(bytes), file)
      }
    }
    const latest = await door.ask('/example.com/!acme/!tool/@latest')
    assert.deepEqual([latest.status, latest.field('content-type')], [200, 'application/json'])
    assert.equal(JSON.parse(latest.body).Version, 'v1.2.3')
  })

  test('X-Cache and Cache-Control say what may be repeated', async (t) => {
    const door = await startModules(t, { modules: [await fixture()] })
    const cached = async (file: string) => {
      const reply = await door.ask(`${place}${file}`)
      await door.settled()
      return [reply.field('x-cache'), reply.field('cache-control')]
    }
    const forEver = 'public, max-age=31536000, immutable'
    assert.deepEqual(await cached('/v1.2.3.info'), ['miss', forEver])
    assert.deepEqual(await cached('/v1.2.3.info'), ['hit', forEver])
    assert.deepEqual(await cached('/v1.2.3.mod'), ['hit', forEver])
    assert.deepEqual(await cached('/v1.2.3.zip'), ['miss', forEver])
    assert.deepEqual(await cached('/v1.2.3.zip'), ['hit', forEver])
    const [first, control] = await cached('/list')
    assert.equal(first, 'miss')
    assert.match(control!, /^public, max-age=(?:[1-5]?\d|60)$/)
    assert.equal((await cached('/list'))[0], 'hit')
    // G7: so that what is asked twice costs once.
    assert.deepEqual(await cached('/v9.9.9.info'), [undefined, 'no-store'])
    assert.equal((await cached('/v9.9.9.info'))[0], 'negative')
    assert.equal(door.peer.times('/v9.9.9.info'), 1)
  })

  test('HEAD has the head of GET, and no body', async (t) => {
    const door = await startModules(t, { modules: [await fixture(), await large()] })
    for (const file of ['/list', '/v1.2.3.info', '/v1.2.3.mod', '/v1.2.3.zip', '/v1.3.0.zip']) {
      await door.ask(`${place}${file}`)
      await door.settled()
      const get = await door.ask(`${place}${file}`)
      const head = await door.ask(`${place}${file}`, '', 'HEAD')
      assert.equal(head.status, 200)
      assert.equal(head.body, '')
      const names = ['content-length', 'content-type', 'etag', 'last-modified', 'cache-control', 'x-cache']
      for (const name of names) assert.equal(head.field(name), get.field(name), `${file}: ${name}`)
      assert.equal(Number(head.field('content-length')), get.body.length)
    }
  })

  test('G6 HEAD on a zip that nobody had asked for tells its length', async (t) => {
    const made = await large()
    const door = await startModules(t, { modules: [made] })
    const announced = await door.ask(`${place}/v1.3.0.zip`, '', 'HEAD')
    assert.deepEqual([announced.status, announced.field('content-length')], [200, String(made.zip.length)])
  })

  test('G6 HEAD on a zip whose length the origin does not tell', async (t) => {
    const made = await large()
    const door = await startModules(t, { modules: [made] })
    door.peer.script = (request, response) => {
      if (!request.url!.endsWith('.zip')) return false
      response.writeHead(200)
      response.write(made.zip.subarray(0, 1000))
      response.end(made.zip.subarray(1000))
      return true
    }
    const reply = await door.ask(`${place}/v1.3.0.zip`, '', 'HEAD')
    assert.deepEqual([reply.status, reply.field('content-length')], [200, String(made.zip.length)])
  })

  for (const size of ['small', 'large'] as const) {
    test(`G6 ranges of a ${size} zip`, async (t) => {
      const made = size === 'small' ? await fixture() : await large()
      const door = await startModules(t, { modules: [made] })
      const path = `${place}/${made.version}.zip`
      await door.ask(path)
      await door.settled()
      const whole = await door.ask(path)
      const etag = whole.field('etag')!
      assert.equal(etag, `"${createHash('sha256').update(made.zip).digest('hex')}"`)
      assert.equal(whole.field('accept-ranges'), 'bytes')
      const { length } = made.zip
      const ranges: [string, number, number][] = [
        ['bytes=0-0', 0, 1],
        ['bytes=100-199', 100, 200],
        [`bytes=${length - 5}-`, length - 5, length],
        ['bytes=-7', length - 7, length],
      ]
      for (const [range, start, end] of ranges) {
        for (const ifRange of ['', `If-Range: ${etag}\r\n`, `If-Range: ${whole.field('last-modified')}\r\n`]) {
          const part = await door.ask(path, `Range: ${range}\r\n${ifRange}`)
          assert.equal(part.status, 206, range)
          assert.equal(part.field('content-range'), `bytes ${start}-${end - 1}/${length}`)
          assert.equal(part.field('content-length'), String(end - start))
          assert.equal(part.field('etag'), etag)
          assert.ok(bytesOf(part).equals(made.zip.subarray(start, end)), range)
        }
      }
      const changed = await door.ask(path, 'Range: bytes=5-\r\nIf-Range: "other"\r\n')
      assert.deepEqual([changed.status, changed.body.length], [200, length])
      const behind = await door.ask(path, `Range: bytes=${length}-\r\n`)
      assert.deepEqual([behind.status, behind.field('content-range'), behind.body], [416, `bytes */${length}`, ''])
      assert.equal((await door.ask(path, 'Range: bytes=0-1,5-6\r\n')).status, 200)
    })
  }

  test('conditional requests are answered 304, whatever the file', async (t) => {
    const door = await startModules(t, { modules: [await fixture(), await large()] })
    for (const file of ['/list', '/v1.2.3.info', '/v1.2.3.mod', '/v1.2.3.zip', '/v1.3.0.zip']) {
      await door.ask(`${place}${file}`)
      await door.settled()
      const full = await door.ask(`${place}${file}`)
      for (const condition of [
        `If-None-Match: ${full.field('etag')}`,
        `If-Modified-Since: ${full.field('last-modified')}`,
      ]) {
        const reply = await door.ask(`${place}${file}`, `${condition}\r\n`)
        assert.deepEqual([reply.status, reply.body], [304, ''], `${file}: ${condition}`)
        assert.equal(reply.field('etag'), full.field('etag'))
        assert.equal(reply.field('content-length'), undefined)
      }
      assert.equal((await door.ask(`${place}${file}`, 'If-None-Match: "other"\r\n')).status, 200)
    }
  })

  test('other methods are 405 with what is allowed', async (t) => {
    const door = await startModules(t, { modules: [await fixture()] })
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const reply = await door.ask(`${place}/v1.2.3.zip`, 'Content-Length: 0\r\n', method)
      assertError(reply, 405, 'ERR_METHOD_NOT_ALLOWED')
      assert.equal(reply.field('allow'), 'GET, HEAD')
    }
  })

  test('G1 G8 what is no file of a module is 404, as text', async (t) => {
    const door = await startModules(t, { modules: [await fixture()] })
    for (const path of [
      '/',
      '/example.com/Acme/Tool/@v/list',
      '/example.com/!acme!/@v/list',
      '/example.com/!!acme/@v/list',
      '/example.com/a//@v/list',
      `${place}/v1.2.mod`,
      `${place}/v1.2.3.tar`,
      '/sumdb/sum.example.com/supported',
    ])
      assertError(await door.ask(path, 'Accept: text/html,application/json\r\n'), 404, 'ERR_MODULE_PATH')
    assert.deepEqual(door.peer.asked, [])
  })

  test('G9 an outage is not "does not exist"', async (t) => {
    const door = await startModules(t, { modules: [await fixture()] })
    assertError(await door.ask('/example.com/other/@v/list'), 404, 'ERR_MODULE_NOT_FOUND')
    for (const status of [500, 503, 429, 401]) {
      door.peer.script = (_, response) => {
        response.writeHead(status).end()
        return true
      }
      const reply = await door.ask(`/example.com/broken${status}/@v/list`)
      assert.ok(![404, 410, 200].includes(reply.status), `${status} became ${reply.status}`)
      assert.ok(reply.status >= 500 || reply.status === 429, `${status} became ${reply.status}`)
    }
  })

  test('G8 G20 Disable-Module-Fetch: only what is kept', async (t) => {
    const door = await startModules(t, { modules: [await fixture()] })
    const only = 'Disable-Module-Fetch: true\r\n'
    for (const file of ['/v1.2.3.info', '/v1.2.3.mod', '/v1.2.3.zip', '/main.info']) {
      const reply = await door.ask(`${place}${file}`, only)
      assertError(reply, 404, 'ERR_MODULE_NOT_KEPT')
    }
    assert.deepEqual(door.peer.asked, [])
    for (const file of ['/v1.2.3.info', '/v1.2.3.mod', '/v1.2.3.zip']) {
      assert.equal((await door.ask(`${place}${file}`)).status, 200)
      await door.settled()
      assert.equal((await door.ask(`${place}${file}`, only)).status, 200)
    }
  })

  test('G20 offline: only what is kept, and nobody is asked', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'turnpike-offline-'))
    const store = { disk: { path: folder } }
    const online = await startModules(t, { modules: [await fixture()], goproxy: { store } })
    const offline = await startModules(t, { modules: [await fixture()], goproxy: { store, offline: true } })
    t.after(() => rm(folder, { recursive: true, force: true }))
    const files = ['/v1.2.3.info', '/v1.2.3.mod', '/v1.2.3.zip']
    for (const file of files) assertError(await offline.ask(`${place}${file}`), 404, 'ERR_MODULE_NOT_KEPT')
    for (const file of files) {
      const fetched = await online.ask(`${place}${file}`)
      await online.settled()
      const kept = await offline.ask(`${place}${file}`)
      assert.deepEqual([fetched.status, kept.status, kept.body], [200, 200, fetched.body], file)
    }
    assert.equal((await offline.ask(`${place}/list`)).body, 'v1.2.3\n')
    assert.deepEqual(offline.peer.asked, [])
  })

  test('what is answered with Disable-Module-Fetch is no answer for those who allow fetching', async (t) => {
    const newer = await makeModule(module, 'v1.4.0')
    const door = await startModules(t, { modules: [await fixture(), newer] })
    await door.ask(`${place}/v1.2.3.mod`)
    const kept = await door.ask(`${place}/list`, 'Disable-Module-Fetch: true\r\n')
    assert.deepEqual([kept.status, kept.body], [200, 'v1.2.3\n'])
    assert.equal((await door.ask(`${place}/list`)).body, 'v1.2.3\nv1.4.0\n')
  })

  test('a cold zip that turns out wrong never looks complete', async (t) => {
    const made = await large()
    const door = await startModules(t, { modules: [made] })
    const wrong = Buffer.from(made.zip)
    // In the middle of its contents.
    wrong[Math.floor(wrong.length / 2)]! ^= 0xff
    door.peer.script = (request, response) => {
      if (!request.url!.endsWith('.zip')) return false
      response.writeHead(200, { 'Content-Length': wrong.length }).end(wrong)
      return true
    }
    const client = await door.connect()
    client.send(`GET ${place}/v1.3.0.zip HTTP/1.1\r\nHost: modules.test\r\n\r\n`)
    await assert.rejects(client.reply('GET'))
    const line = await door.line(1)
    assert.equal(line.cause, 'ERR_MODULE_ZIP')
    assert.ok(line.bytesOut <= wrong.length - 65_536, `${line.bytesOut} of ${wrong.length} were let out`)
    door.peer.script = () => false
    const retried = await door.ask(`${place}/v1.3.0.zip`)
    assert.ok([200, 502].includes(retried.status), retried.body)
  })

  test('200 at once for a cold version: one fetch, 200 right answers', async (t) => {
    const made = await large()
    const door = await startModules(t, { modules: [made], goproxy: { limits: { concurrentPerClient: 1000 } } })
    const replies = await Promise.all(Array.from({ length: 200 }, () => door.ask(`${place}/v1.3.0.zip`)))
    for (const reply of replies) assert.ok(bytesOf(reply).equals(made.zip))
    for (const file of ['.info', '.mod', '.zip']) assert.equal(door.peer.times(`v1.3.0${file}`), 1, file)
  })

  test('the access log tells what is asked for, where the answer is from and who was asked', async (t) => {
    const door: ModuleDoor = await startModules(t, { modules: [await fixture()] })
    await door.ask(`${place}/v1.2.3.zip`)
    const cold = await door.line(1)
    assert.deepEqual([cold.route, cold.cache, cold.upstream], ['goproxy:zip', 'miss', door.peer.url])
    const outcomes = cold.decisions!.map(({ by, outcome }) => `${by} ${outcome}`)
    assert.deepEqual(new Set(outcomes), new Set([`${door.peer.url} 200`]))
    await door.settled()
    await door.ask(`${place}/v1.2.3.zip`)
    const warm = await door.line(2)
    assert.deepEqual(
      [warm.route, warm.cache, warm.upstream, warm.decisions],
      ['goproxy:zip', 'hit', undefined, undefined],
    )
    await door.ask(`${place}/v7.0.0.info`)
    await door.ask(`${place}/v7.0.0.info`)
    const gone = await door.line(4)
    assert.deepEqual([gone.route, gone.cache, gone.cause], ['goproxy:info', 'negative', 'ERR_MODULE_NOT_FOUND'])
    const served = [...door.turnpike.metrics.series].map(({ route }) => route)
    assert.deepEqual(new Set(served), new Set(['goproxy:zip', 'goproxy:info']))
  })

  test('a client that goes is let go of', async (t) => {
    const made = await large()
    const door = await startModules(t, { modules: [made] })
    const { promise: waiting, resolve } = Promise.withResolvers<void>()
    door.peer.script = () => {
      resolve()
      return true
    }
    const client = await door.connect()
    client.send(`GET ${place}/v1.3.0.zip HTTP/1.1\r\nHost: modules.test\r\n\r\n`)
    await waiting
    client.socket.destroy()
    assert.equal((await door.line(1)).status, 499)
    await door.when(() => door.count('ownRequests') === 0, 'the origin not to be asked any more')
  })
})
