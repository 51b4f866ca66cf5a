import assert from 'node:assert/strict'
import { get } from 'node:http'
import { test, type TestContext } from 'node:test'
import { makeModule, type ModuleFixture } from '../support/goproxy/module-fixtures.ts'
import { startModules } from '../support/goproxy/module-door.ts'
import { startProxyPeer, type ProxyScript } from '../support/goproxy/proxy-origin.ts'
import { SumdbServer } from '../support/goproxy/sumdb-server.ts'

const MODULE = 'example.com/pump'
const VERSION = 'v1.4.2'
const place = `/${MODULE}/@v/${VERSION}`

interface Received {
  /** 0 where the connection ended before a status. */
  status: number
  body: Buffer
  whole: boolean
}

/** Takes what comes, whole or not. */
function take(url: string): Promise<Received> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = []
    const request = get(url, { agent: false }, (response) => {
      response.on('data', (piece: Buffer) => pieces.push(piece)).on('error', () => {})
      response.on('close', () =>
        resolve({ status: response.statusCode!, body: Buffer.concat(pieces), whole: response.complete }),
      )
    })
    request.on('error', () => resolve({ status: 0, body: Buffer.alloc(0), whole: false }))
  })
}

interface Row {
  does: string
  /** Which file of the version it is about. */
  file: '.mod' | '.zip'
  answer: (good: ModuleFixture, other: ModuleFixture) => ProxyScript
  /** By what stands behind the member: the good bytes come, or nothing that looks whole. */
  good: Record<',' | '|', boolean>
}

const only =
  (file: string, script: ProxyScript): ProxyScript =>
  (request, response) =>
    request.url!.endsWith(file) && script(request, response)

/** Sends two thirds of it, and then the end or nothing. */
const begun =
  (zip: Buffer, ends: boolean): ProxyScript =>
  (_request, response) => {
    response.writeHead(200, { 'Content-Length': zip.length })
    response.write(zip.subarray(0, 200_000), () => ends && response.socket!.end())
    return true
  }

const rows: Row[] = [
  {
    does: 'has a go.mod of another h1',
    file: '.mod',
    answer: (_good, other) => (_request, response) => response.end(other.mod),
    good: { ',': false, '|': false },
  },
  {
    does: 'has a zip of another h1',
    file: '.zip',
    answer: (_good, other) => (_request, response) => response.end(other.zip),
    good: { ',': false, '|': false },
  },
  {
    does: 'has what is no zip',
    file: '.zip',
    answer: () => (_request, response) => response.end('<h1>Log in</h1>'),
    good: { ',': false, '|': false },
  },
  {
    does: 'cuts the zip',
    file: '.zip',
    answer: (good) => begun(good.zip, true),
    good: { ',': false, '|': true },
  },
  {
    does: 'stops in the middle of the zip',
    file: '.zip',
    answer: (good) => begun(good.zip, false),
    good: { ',': false, '|': true },
  },
  {
    does: 'cuts a zip of another h1',
    file: '.zip',
    answer: (_good, other) => begun(other.zip, true),
    good: { ',': false, '|': false },
  },
]

/** Content that no compression makes small. */
function noise(seed: number): Buffer {
  const bytes = Buffer.alloc(300_000)
  for (let at = 0, state = seed; at < bytes.length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[at] = state >>> 24
  }
  return bytes
}

const made = (seed: number, go: string): Promise<ModuleFixture> =>
  makeModule(MODULE, VERSION, { files: { 'go.mod': `module ${MODULE}\n\ngo ${go}\n`, 'data.bin': noise(seed) } })

for (const separator of [',', '|'] as const) {
  test(`G4 through the door, a member before \`${separator}\` whose contents are not right`, async (t) => {
    const [good, other] = await Promise.all([made(1, '1.21'), made(2, '1.22')])
    for (const { does, file, answer, good: expected } of rows) {
      await t.test(does, async (inner: TestContext) => {
        const database = await SumdbServer.start(inner)
        await database.add(good)
        const first = await startProxyPeer(inner, { modules: [good], script: only(file, answer(good, other)) })
        const second = await startProxyPeer(inner, { modules: [good] })
        const door = await startModules(inner, {
          goproxy: {
            chain: `${first.url}${separator}${second.url}`,
            upstreams: { [first.url]: { timeouts: { stall: '250ms' } } },
            sumdb: { name: database.name, key: database.verifierKey, url: database.url },
          },
        })
        const bytes = file === '.mod' ? good.mod : good.zip
        const received = await take(door.url + place + file)
        if (expected[separator]) {
          assert.deepEqual([received.status, received.whole], [200, true])
          assert.ok(received.body.equals(bytes))
        } else {
          assert.ok(received.status !== 200 || !received.whole, 'it looked whole')
          // Nothing of it was kept.
          first.script = () => false
          const again = await take(door.url + place + file)
          assert.deepEqual([again.status, again.whole], [200, true])
          assert.ok(again.body.equals(bytes))
        }
      })
    }
  })
}

test('H14 a chain that leads back here is noticed, and does not wait for itself', async (t) => {
  let here = ''
  const peer = await startProxyPeer(t, {
    script: (request, response) => response.writeHead(302, { Location: here + request.url! }).end(),
  })
  const door = await startModules(t, { goproxy: { chain: peer.url, sumdb: 'off', guard: { allow: ['127.0.0.0/8'] } } })
  here = door.url
  const received = await take(`${here + place}.mod`)
  assert.equal(received.status, 502)
  assert.match(received.body.toString(), /answered 508/)
  assert.ok(peer.asked.length <= 2, `${peer.asked.length} questions`)
})
