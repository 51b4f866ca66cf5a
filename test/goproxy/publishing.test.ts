import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { makeModule, type ModuleFixture } from '../support/goproxy/module-fixtures.ts'
import { startModules, type ModuleDoor, type ModuleDoorOptions } from '../support/goproxy/module-door.ts'
import type { Message } from '../support/message.ts'
import { ask } from '../support/raw-client.ts'

const module = 'git.corp.test/team/tool'

const basic = (user: string): string => `Authorization: Basic ${Buffer.from(`${user}:sesame`).toString('base64')}\r\n`

async function startPublishing(
  t: TestContext,
  goproxy: ModuleDoorOptions['goproxy'] = {},
  listener: ModuleDoorOptions['listener'] = {},
): Promise<ModuleDoor> {
  return startModules(t, {
    listener,
    goproxy: {
      private: ['*.corp.test'],
      auth: { basic: { users: { releaser: 'sesame', reader: 'sesame' } } },
      publish: { users: ['releaser'], modules: ['git.corp.test/team', 'example.com/public'] },
      ...goproxy,
    },
  })
}

function put(door: ModuleDoor, path: string, body: Buffer, fields = basic('releaser')): Promise<Message> {
  const head = `PUT ${path} HTTP/1.1\r\nHost: modules.test\r\nContent-Length: ${body.length}\r\n${fields}\r\n`
  return ask(door.port, Buffer.concat([Buffer.from(head), body]), 'PUT')
}

const zipPath = (version: string, of = module): string => `/${of}/@v/${version}.zip`

const head = (fields: string): string =>
  `PUT ${zipPath('v1.2.3')} HTTP/1.1\r\nHost: modules.test\r\n${basic('releaser')}${fields}\r\n`
const chunk = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])

describe('publishing to the module proxy', () => {
  test('G21 G23 a version is checked, kept, and served as it came; the same again is 200, another 409', async (t) => {
    const door = await startPublishing(t)
    const fixture = await makeModule(module, 'v1.2.3')
    const first = await put(
      door,
      zipPath('v1.2.3'),
      fixture.zip,
      `${basic('releaser')}Module-Time: 2025-01-02T03:04:05+01:00\r\n`,
    )
    assert.equal(first.status, 201, first.body)
    const facts = { Path: module, Version: 'v1.2.3', Sum: fixture.h1, GoModSum: fixture.modH1 }
    assert.deepEqual(JSON.parse(first.body), facts)
    const served = await door.ask(zipPath('v1.2.3'), basic('reader'))
    assert.equal(served.body, fixture.zip.toString('latin1'))
    const info = await door.ask(`/${module}/@v/v1.2.3.info`, basic('reader'))
    assert.deepEqual(JSON.parse(info.body), { Version: 'v1.2.3', Time: '2025-01-02T02:04:05Z' })
    assert.equal((await door.ask(`/${module}/@v/v1.2.3.mod`, basic('reader'))).body, String(fixture.mod))

    const again = await put(door, zipPath('v1.2.3'), fixture.zip)
    assert.equal(again.status, 200)
    assert.deepEqual(JSON.parse(again.body), facts)
    const other = await makeModule(module, 'v1.2.3', { files: { 'other.go': 'package tool\n' } })
    const refused = await put(door, zipPath('v1.2.3'), other.zip)
    assert.equal(refused.status, 409)
    assert.match(refused.body, /ERR_MODULE_CONFLICT/)
    assert.equal((await door.ask(zipPath('v1.2.3'), basic('reader'))).body, fixture.zip.toString('latin1'))
    const line = await door.line(1)
    assert.equal(line.route, 'goproxy:publish')
    assert.equal(line.user, 'releaser')
    assert.deepEqual(door.peer.asked, [])
  })

  test('only the users of the config publish, and only private modules of its patterns', async (t) => {
    const door = await startPublishing(t)
    const { zip } = await makeModule(module, 'v1.2.3')
    assert.equal((await put(door, zipPath('v1.2.3'), zip, '')).status, 401)
    const cases: [path: string, fields: string, status: number, message: RegExp][] = [
      [zipPath('v1.2.3'), basic('reader'), 403, /none of those who may publish/],
      [zipPath('v1.2.3', 'git.corp.test/others/x'), basic('releaser'), 403, /none of the modules/],
      [zipPath('v1.2.3', 'example.com/public'), basic('releaser'), 403, /not private/],
      [`/${module}/@v/v1.2.3.mod`, basic('releaser'), 405, /ERR_METHOD_NOT_ALLOWED/],
      [zipPath('v1.2'), basic('releaser'), 404, /ERR_MODULE_PATH/],
      [zipPath('v2.0.0'), basic('releaser'), 404, /ERR_MODULE_PATH/],
    ]
    for (const [path, fields, status, message] of cases) {
      const reply = await put(door, path, zip, fields)
      assert.equal(reply.status, status, `${path}: ${reply.body}`)
      assert.match(reply.body, message)
    }
  })

  test('publishing is off where the config does not say otherwise', async (t) => {
    const door = await startPublishing(t, { publish: 'off' })
    const reply = await put(door, zipPath('v1.2.3'), (await makeModule(module, 'v1.2.3')).zip)
    assert.equal(reply.status, 405)
    assert.equal(reply.field('allow'), 'GET, HEAD')
  })

  test('G21 what is no zip of that version is refused, and nothing is kept of it', async (t) => {
    const door = await startPublishing(t, { limits: { zip: '100KiB' } })
    const { zip } = await makeModule(module, 'v1.2.3')
    const cases: [what: string, body: Buffer, fields: string, status: number, message: RegExp][] = [
      ['another version', (await makeModule(module, 'v1.2.4')).zip, '', 422, /does not have prefix/],
      ['half of it', zip.subarray(0, zip.length / 2), '', 422, /ERR_MODULE_INVALID/],
      ['nothing', Buffer.alloc(0), '', 422, /ERR_MODULE_INVALID/],
      ['too much', Buffer.alloc(100 * 1024 + 1), '', 413, /ERR_BODY_TOO_LARGE/],
      ['a time that is none', zip, 'Module-Time: yesterday\r\n', 422, /Module-Time/],
      ['a time to come', zip, 'Module-Time: 2999-01-01T00:00:00Z\r\n', 422, /future/],
    ]
    for (const [what, body, fields, status, message] of cases) {
      const reply = await put(door, zipPath('v1.2.3'), body, basic('releaser') + fields)
      assert.equal(reply.status, status, `${what}: ${reply.body}`)
      assert.match(reply.body, message, what)
    }
    const catalogue = await door.ask('/catalog', basic('reader'))
    assert.deepEqual(JSON.parse(catalogue.body), { modules: [], next: null })
  })

  test('a body that comes in chunks is bounded too, and one that breaks off leaves nothing', async (t) => {
    const door = await startPublishing(t, { limits: { zip: '100KiB' } })
    const { zip } = await makeModule(module, 'v1.2.3')
    const tooMuch = Array.from({ length: 11 }, () => chunk(Buffer.alloc(10 * 1024)))
    const refused = await ask(
      door.port,
      Buffer.concat([Buffer.from(head('Transfer-Encoding: chunked\r\n')), ...tooMuch]),
      'PUT',
    )
    assert.equal(refused.status, 413)
    const client = await door.connect()
    client.send(head(`Content-Length: ${zip.length}\r\n`) + zip.subarray(0, 100).toString('latin1'))
    await door.when(() => door.count('exchanges') === 1, 'the request to be there')
    client.socket.destroy()
    assert.equal((await door.line(2)).cause, 'ERR_CLIENT_ABORT')
    const whole = await ask(
      door.port,
      Buffer.concat([
        Buffer.from(head('Transfer-Encoding: chunked\r\n')),
        chunk(zip.subarray(0, 50)),
        chunk(zip.subarray(50)),
        Buffer.from('0\r\n\r\n'),
      ]),
      'PUT',
    )
    assert.equal(whole.status, 201, whole.body)
  })

  test('behind a gateway route, with Expect: 100-continue, as curl sends large bodies', async (t) => {
    const door = await startPublishing(t, {}, { door: 'gateway' })
    const { zip } = await makeModule(module, 'v1.2.3')
    const client = await door.connect()
    client.send(
      `PUT /go${zipPath('v1.2.3')} HTTP/1.1\r\nHost: modules.test\r\n${basic('releaser')}` +
        `Content-Length: ${zip.length}\r\nExpect: 100-continue\r\n\r\n`,
    )
    assert.equal((await client.reply('PUT')).status, 100)
    client.send(zip)
    assert.equal((await client.reply('PUT')).status, 201)
    assert.equal((await door.ask(`/go${zipPath('v1.2.3')}`, basic('reader'))).body, zip.toString('latin1'))
    assert.equal((await door.line(1)).route, 'mounted')
  })

  test('a large zip goes onto disk piece by piece, and comes back as it was', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'turnpike-publishing-'))
    t.after(() => rm(folder, { recursive: true }))
    const door = await startPublishing(t, { store: { disk: { path: folder } } })
    const { zip, h1 } = await makeModule(module, 'v1.2.3', { files: { 'random.bin': randomBytes(2_000_000) } })
    const reply = await put(door, zipPath('v1.2.3'), zip)
    assert.equal(reply.status, 201, reply.body)
    assert.equal(JSON.parse(reply.body).Sum, h1)
    const served = await door.ask(zipPath('v1.2.3'), basic('reader'))
    assert.ok(Buffer.from(served.body, 'latin1').equals(zip))
    assert.equal(door.count('workers'), 1)
    // Before its folder goes.
    await door.turnpike.stop(0)
  })

  test('of two who publish one version at once, one wins and both are told which', async (t) => {
    const door = await startPublishing(t)
    const one = await makeModule(module, 'v1.0.0', { files: { 'a.go': 'package tool\n' } })
    const two = await makeModule(module, 'v1.0.0', { files: { 'b.go': 'package tool\n' } })
    const replies = await Promise.all([one, two].map(({ zip }) => put(door, zipPath('v1.0.0'), zip)))
    assert.deepEqual(
      replies.map(({ status }) => status).toSorted((a, b) => a - b),
      [201, 409],
    )
    const won = replies[0]!.status === 201 ? one : two
    assert.equal((await door.ask(zipPath('v1.0.0'), basic('reader'))).body, won.zip.toString('latin1'))
  })
})

interface Line {
  Path: string
  Version: string
  Timestamp: string
}

const linesOf = ({ body }: Message): Line[] =>
  body
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Line => JSON.parse(line))

const fetched = async (door: ModuleDoor, ...fixtures: ModuleFixture[]): Promise<void> => {
  for (const { module: path, version } of fixtures) {
    assert.equal((await door.ask(`/${path}/@v/${version}.mod`)).status, 200)
  }
}

const zips = async (door: ModuleDoor, path: string, times: number): Promise<void> => {
  for (let time = 0; time < times; time++) {
    assert.equal((await door.ask(`/${path}/@v/v1.0.0.zip`)).status, 200)
  }
}

describe('the index feed and the catalogue', () => {
  test('versions are listed once each, in the order in which they came, from a time on, so many at a time', async (t) => {
    const modules = await Promise.all(
      ['v1.0.0', 'v1.1.0', 'v0.9.0'].map((version) => makeModule('example.com/a', version)),
    )
    const door = await startModules(t, { modules })
    await fetched(door, ...modules)
    assert.equal((await door.ask('/example.com/a/@v/v1.0.0.zip')).status, 200)
    const all = await door.ask('/index')
    const lines = linesOf(all)
    assert.deepEqual(
      lines.map(({ Path, Version }) => `${Path}@${Version}`),
      ['example.com/a@v1.0.0', 'example.com/a@v1.1.0', 'example.com/a@v0.9.0'],
    )
    assert.match(lines[0]!.Timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    assert.equal(all.field('content-type'), 'application/x-ndjson')
    const since = await door.ask(`/index?since=${lines[1]!.Timestamp}`)
    assert.deepEqual(linesOf(since), lines.slice(1))
    assert.deepEqual(linesOf(await door.ask(`/index?since=${lines[1]!.Timestamp}&limit=1`)), [lines[1]])
    assert.deepEqual(linesOf(await door.ask('/index?since=2999-01-01T00:00:00Z')), [])
    for (const query of ['since=yesterday', 'limit=0', 'limit=-1', 'limit=x']) {
      const reply = await door.ask(`/index?${query}`)
      assert.equal(reply.status, 400)
      assert.match(reply.body, /ERR_MODULE_QUERY/)
    }
  })

  test('feed, catalogue and downloads survive a restart, and two processes add to them', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'turnpike-index-'))
    t.after(() => rm(folder, { recursive: true }))
    const goproxy = { store: { disk: { path: folder } } }
    const [a, b, c] = await Promise.all(
      ['example.com/a', 'example.com/b', 'example.com/c'].map((path) => makeModule(path, 'v1.0.0')),
    )
    const modules = [a!, b!, c!]
    const one = await startModules(t, { modules, goproxy })
    const two = await startModules(t, { modules, goproxy })
    await zips(one, 'example.com/a', 3)
    await zips(two, 'example.com/b', 2)
    await zips(two, 'example.com/a', 1)
    assert.equal((await one.ask('/example.com/a/@v/v1.0.0.zip', 'Range: bytes=0-9\r\n')).status, 206)
    assert.equal((await one.ask('/example.com/a/@v/v1.0.0.zip', '', 'HEAD')).status, 200)
    await fetched(one, c!)
    await Promise.all([one.turnpike.stop(0), two.turnpike.stop(0)])

    const three = await startModules(t, { modules, goproxy })
    const names = linesOf(await three.ask('/index')).map(({ Path }) => Path)
    assert.deepEqual(names, ['example.com/a', 'example.com/b', 'example.com/c'])
    interface Page {
      modules: { module: string; versions: Record<string, unknown>[] }[]
      next: string | null
    }
    const page: Page = JSON.parse((await three.ask('/catalog?limit=2')).body)
    assert.equal(page.next, 'example.com/b')
    assert.deepEqual(
      page.modules.map(({ module: path, versions }) => [path, versions.map(({ downloads }) => downloads)]),
      [
        ['example.com/a', [4]],
        ['example.com/b', [2]],
      ],
    )
    const { firstSeen, lastUsed, ...version } = page.modules[0]!.versions[0]!
    assert.deepEqual(version, {
      version: 'v1.0.0',
      bytes: a!.zip.length,
      h1: a!.h1,
      origin: one.peer.url,
      pinned: false,
      downloads: 4,
    })
    assert.ok(Date.parse(String(firstSeen)) <= Date.parse(String(lastUsed)) + 1000)
    const last: Page = JSON.parse((await three.ask('/catalog?limit=2&after=example.com/b')).body)
    assert.deepEqual([last.modules.map(({ module: path }) => path), last.next], [['example.com/c'], null])
    assert.equal(last.modules[0]!.versions[0]!['h1'], null)
    assert.equal((await three.ask('/catalog?after=..')).status, 400)
  })
})
