import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { test } from 'node:test'
import { TurnpikeError } from '../../src/core/error.ts'
import { FixtureOrigin } from '../support/goproxy/fixture-origin.ts'
import { makeModule, writeDownloadFolder } from '../support/goproxy/module-fixtures.ts'
import { startProxyPeer, type ProxyScript } from '../support/goproxy/proxy-origin.ts'
import { testChain } from '../support/goproxy/test-chain.ts'
import { testCertificate } from '../support/certificates.ts'
import { requireProgram } from '../support/peers/require-program.ts'

const MODULE = 'example.com/pump'
const VERSION = 'v1.4.2'

const always =
  (
    status: number,
    text: string,
    fields: Record<string, string> = { 'Content-Type': 'text/plain; charset=utf-8' },
  ): ProxyScript =>
  (_request, response) => {
    response.writeHead(status, fields).end(text)
    return true
  }

async function errorOf(work: Promise<unknown>): Promise<TurnpikeError> {
  const error = await work.then(
    () => new Error('it was fulfilled'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof TurnpikeError, String(error))
  return error
}

test('G4 the error that is told is the one that go tells: of direct, else a failure, else the last absence', async (t) => {
  const gone = await startProxyPeer(t, { script: always(404, 'gone there') })
  const gone2 = await startProxyPeer(t, { script: always(410, 'gone here') })
  const broken = await startProxyPeer(t, { script: always(503, 'in repair') })
  const broken2 = await startProxyPeer(t, { script: always(500, 'broken') })
  const rows: [chain: string, status: number, message: RegExp][] = [
    [`${gone.url},${gone2.url}`, 410, /^gone here$/],
    [`${gone2.url}|${gone.url}`, 404, /^gone there$/],
    [`${broken.url}|${gone.url}`, 502, /in repair/],
    [`${gone.url}|${broken.url}`, 502, /in repair/],
    [`${broken.url}|${broken2.url}`, 502, /answered 500: broken/],
    [`${broken.url}|${gone.url},direct`, 404, /pump@v1.4.2: not found/],
    [`${gone.url},off`, 404, /ends with off/],
    [`${broken.url}|off`, 502, /in repair/],
    ['off', 404, /ends with off/],
  ]
  for (const [chain, status, message] of rows) {
    const made = testChain(t, { chain })
    const error = await errorOf(made.chain.mod(MODULE, VERSION, made.ask()))
    assert.equal(error.status, status, chain)
    assert.match(error.message, message, chain)
    assert.equal(error.code, status < 500 ? 'ERR_MODULE_NOT_FOUND' : 'ERR_MODULE_UPSTREAM')
  }
})

test('G10 private modules go to git alone, whatever the list says; nothing behind direct is asked', async (t) => {
  const secret = await makeModule('git.corp.test/team/pump', VERSION)
  const open = await makeModule(MODULE, VERSION)
  const member = await startProxyPeer(t, { modules: [secret] })
  for (const chain of [`${member.url},off`, 'off', `direct,${member.url}`]) {
    const direct = new FixtureOrigin([secret, open])
    const made = testChain(t, { chain, private: ['*.corp.test'] }, direct)
    const ask = made.ask()
    assert.deepEqual(await made.chain.mod(secret.module, VERSION, ask), secret.mod)
    assert.equal(ask.trail.decisions.at(-1)!.by, 'direct')
  }
  assert.deepEqual(member.asked, [])
  const missing = testChain(t, { chain: member.url, private: ['*.corp.test'] })
  assert.equal((await errorOf(missing.chain.list('git.corp.test/x', missing.ask()))).status, 404)
  assert.deepEqual(member.asked, [])
})

test('G8 what a member says about an error is taken over as far as go would show it', async (t) => {
  const rows: [type: string, text: string, taken: string][] = [
    ['text/plain', 'not found: no tag\nv9\n\nsecret stack', 'not found: no tag\nv9'],
    ['text/plain; charset=UTF-8', 'grün', 'grün'],
    ['text/plain; charset=iso-8859-1', 'no', ''],
    ['text/html', '<h1>no</h1>', ''],
    ['text/plain', 'a\u001b[31mb', 'a\ufffd[31mb'],
    ['text/plain', 'x\n'.repeat(20), 'x\n'.repeat(8).trimEnd()],
    ['text/plain', 'y'.repeat(100_000), 'y'.repeat(648)],
  ]
  for (const [type, text, taken] of rows) {
    const peer = await startProxyPeer(t, { script: always(404, text, { 'Content-Type': type }) })
    const made = testChain(t, { chain: peer.url })
    const { message } = await errorOf(made.chain.list(MODULE, made.ask()))
    assert.equal(message, taken === '' ? `${peer.url} answered 404.` : taken)
  }
})

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`

test('G2 credentials of the URL and of the host go over https alone, and never where it redirects to', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const fixture = await makeModule(MODULE, VERSION)
  const certificate = testCertificate({ subject: 'up.test', names: ['IP:127.0.0.1'] })
  const elsewhere = await startProxyPeer(t, { modules: [fixture], certificate })
  const script: ProxyScript = (request, response) =>
    response.writeHead(302, { Location: elsewhere.url + request.url! }).end()
  const peer = await startProxyPeer(t, { script, certificate })
  const plain = await startProxyPeer(t, { script })
  const credentials = [peer, plain, elsewhere].map(({ port }) => ({ host: `127.0.0.1:${port}`, password: 'token' }))
  for (const [chain, from, sent] of [
    [peer.url.replace('https://', 'https://ci:p%40ss@'), peer, basic('ci:p@ss')],
    [peer.url, peer, basic('oauth2:token')],
    [plain.url, plain, undefined],
  ] as const) {
    const upstreams = { [from.url]: { tls: { ca: certificate.certFile } } }
    const made = testChain(t, { chain, credentials, upstreams, guard: { allow: ['127.0.0.0/8'] } })
    const ask = made.ask()
    const answered = await made.chain.info(MODULE, VERSION, ask).catch((error: unknown) => String(error))
    assert.equal(from.fields.at(-1)!.authorization, sent)
    assert.doesNotMatch(JSON.stringify([ask.trail, made.chain.members, answered]), /p%40ss|token/)
  }
  assert.equal(elsewhere.asked.length, 3)
  for (const { authorization } of elsewhere.fields) assert.equal(authorization, undefined)
})

test('F8 a redirect to an address that is not public is not followed, unless it is allowed', async (t) => {
  const inside = await startProxyPeer(t)
  const peer = await startProxyPeer(t, { script: always(302, '', { Location: `${inside.url}/metadata` }) })
  const made = testChain(t, { chain: peer.url })
  const ask = made.ask()
  assert.match((await errorOf(made.chain.list(MODULE, ask))).message, /must not be connected to/)
  assert.equal(ask.trail.decisions[0]!.outcome, 'ERR_ADDRESS_FORBIDDEN')
  assert.deepEqual(inside.asked, [])
  assert.equal(made.chain.members[0]!.health!.healthy, true)
})

test('G3 a redirect from https to http is not followed; TLS 1.2 is reported once; both by member settings', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const fixture = await makeModule(MODULE, VERSION)
  const certificate = testCertificate({ subject: 'up.test', names: ['IP:127.0.0.1'] })
  const plain = await startProxyPeer(t, { modules: [fixture] })
  const old = await startProxyPeer(t, { modules: [fixture], certificate, maxVersion: 'TLSv1.2' })
  const peer = await startProxyPeer(t, {
    certificate,
    script: (request, response) => {
      response.writeHead(302, { Location: plain.url + request.url! }).end()
      return true
    },
  })
  const settings = { tls: { ca: certificate.certFile } }
  const made = testChain(t, {
    chain: `${peer.url}|${old.url}/`,
    guard: { allow: ['127.0.0.0/8'] },
    upstreams: { [peer.url]: settings, [old.url]: settings },
  })
  for (let turn = 0; turn < 2; turn++) {
    const ask = made.ask()
    assert.deepEqual(await made.chain.mod(MODULE, VERSION, ask), fixture.mod)
    assert.deepEqual(
      ask.trail.decisions.map(({ outcome }) => outcome),
      ['ERR_MODULE_UPSTREAM', '200'],
    )
  }
  assert.deepEqual(plain.asked, [])
  assert.deepEqual(
    made.chain.members.map(({ tlsVersion }) => tlsVersion),
    ['TLSv1.3', 'TLSv1.2'],
  )
  assert.deepEqual(
    made.notes.map(({ message, fields }) => [message, fields]),
    [['a member of the module chain fell back to TLS 1.2', { member: old.url }]],
  )
})

test('G10 G11 a file member is a folder; lists keep canonical versions of the path and nothing else', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-chain-'))
  t.after(() => rm(folder, { recursive: true }))
  const fixture = await makeModule('example.com/Tools/pump/v2', 'v2.1.0')
  await writeDownloadFolder(folder, [fixture])
  const made = testChain(t, { chain: pathToFileURL(folder).href })
  assert.deepEqual(await made.chain.list(fixture.module, made.ask()), ['v2.1.0'])
  assert.equal((await made.chain.latest(fixture.module, made.ask())).version, 'v2.1.0')
  assert.deepEqual((await made.chain.info(fixture.module, 'v2.1.0', made.ask())).bytes, fixture.info)
  const absent = await errorOf(made.chain.mod(fixture.module, 'v2.2.0', made.ask()))
  assert.deepEqual([absent.code, absent.status], ['ERR_MODULE_NOT_FOUND', 404])
  const peer = await startProxyPeer(t, {
    script: always(
      200,
      'v2.0.0\nv2.0.1 2024-01-01T00:00:00Z\nv9\nv1.0.0\nv2.0.0-20240101000000-abcdefabcdef\nv2.0\n<html>\n\nv2.3.0+meta\n',
    ),
  })
  const listing = testChain(t, { chain: peer.url })
  assert.deepEqual(await listing.chain.list('example.com/Tools/pump/v2', listing.ask()), ['v2.0.0', 'v2.0.1'])
  assert.deepEqual(peer.asked, ['/example.com/!tools/pump/v2/@v/list'])
})

test('G12 G13 a member without @latest means the highest of its list; what is no .info is refused', async (t) => {
  const lists: [list: string, latest: string | null][] = [
    ['v1.0.0\nv1.10.0\nv1.9.0\nv1.11.0-rc.1\n', 'v1.10.0'],
    ['v1.0.0-rc.1\nv1.0.0-rc.2\n', 'v1.0.0-rc.2'],
    [
      'v0.0.0-20240101000000-aaaaaaaaaaaa\nv0.0.0-20240301000000-cccccccccccc\nv0.0.0-20240201000000-bbbbbbbbbbbb\n',
      'v0.0.0-20240301000000-cccccccccccc',
    ],
    ['', null],
  ]
  for (const [list, latest] of lists) {
    const peer = await startProxyPeer(t, {
      script(request, response) {
        const version = /@v\/(v.*)\.info$/.exec(request.url!)?.[1]
        if (version === undefined && !request.url!.endsWith('/list')) return false
        response.end(
          version === undefined ? list : JSON.stringify({ Version: version, Time: '2024-02-03T04:05:06+02:00' }),
        )
        return true
      },
    })
    const made = testChain(t, { chain: peer.url })
    const asked = made.chain.latest(MODULE, made.ask())
    if (latest === null) assert.equal((await errorOf(asked)).status, 404)
    else assert.deepEqual([(await asked).version, (await asked).time], [latest, '2024-02-03T02:05:06.000Z'])
  }
  for (const text of [
    'null',
    '[]',
    '{"Version":"v1"}',
    '{"Version":3}',
    '{"Version":"v2.0.0"}',
    '{"Version":"v1.0.0","Time":7}',
    '{',
  ]) {
    const peer = await startProxyPeer(t, { script: always(200, text) })
    const made = testChain(t, { chain: peer.url })
    assert.equal((await errorOf(made.chain.info(MODULE, 'main', made.ask()))).code, 'ERR_MODULE_UPSTREAM', text)
  }
})

test('G13 a branch with a slash, which no proxy can be asked for, is asked of the next', async (t) => {
  const fixture = await makeModule(MODULE, VERSION)
  const peer = await startProxyPeer(t, { modules: [fixture] })
  const direct = new FixtureOrigin([fixture])
  direct.queries.set(`${MODULE}@feature/x`, VERSION)
  const made = testChain(t, { chain: `${peer.url},direct` }, direct)
  assert.equal((await made.chain.info(MODULE, 'feature/x', made.ask())).version, VERSION)
  assert.deepEqual(peer.asked, [])
})

test('G21 what is too large is too large behind any member, and ends it', async (t) => {
  const fixture = await makeModule(MODULE, VERSION)
  const peer = await startProxyPeer(t, { script: always(200, 'x'.repeat(5_000)) })
  const next = await startProxyPeer(t, { modules: [fixture] })
  const made = testChain(t, { chain: `${peer.url}|${next.url}`, limits: { mod: '4KiB' } })
  const error = await errorOf(made.chain.mod(MODULE, VERSION, made.ask()))
  assert.deepEqual([error.code, error.status], ['ERR_MODULE_TOO_LARGE', 403])
  assert.deepEqual(next.asked, [])
})

test('nobody wants the answer any more: the member hears of it, and no other is asked', async (t) => {
  const aborter = new AbortController()
  const peer = await startProxyPeer(t, {
    script: () => {
      aborter.abort()
      return true
    },
  })
  const next = await startProxyPeer(t)
  const made = testChain(t, { chain: `${peer.url}|${next.url}` })
  const error = await errorOf(made.chain.list(MODULE, { ...made.ask(), signal: aborter.signal }))
  assert.equal(error.code, 'ERR_CLIENT_ABORT')
  assert.deepEqual(next.asked, [])
  assert.equal(made.chain.members[0]!.failed, 0)
})

test('a query of a member’s URL is sent with each request, and shown nowhere', async (t) => {
  const peer = await startProxyPeer(t, { script: always(503, 'in repair') })
  const upstreams = { [`${peer.url}/go`]: { health: { unhealthyAfter: 1 } } }
  const made = testChain(t, { chain: `${peer.url}/go/?token=hunter2`, upstreams })
  const ask = made.ask()
  const { message } = await errorOf(made.chain.list(MODULE, ask))
  assert.deepEqual(peer.asked, [`/go/${MODULE}/@v/list?token=hunter2`])
  const shown = JSON.stringify([message, ask.trail, made.chain.members, made.notes])
  assert.doesNotMatch(shown, /hunter2/)
  assert.match(shown, /"a member of the module chain is down"/, 'its settings were found')
})
