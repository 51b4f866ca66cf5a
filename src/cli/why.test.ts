import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import { controlPort } from '../../test/control/control-fixture.ts'
import { finishedExchange } from '../../test/control/finished-exchange.ts'
import { AccessLog } from '../control/access-log.ts'
import { AdminServer } from '../control/admin-server.ts'
import { TurnpikeError } from '../core/error.ts'
import { Ledger } from '../engine/ledger.ts'
import { realWorld } from '../engine/real-world.ts'
import { RequestIds } from '../engine/request-id.ts'
import { why } from './why.ts'

const folder = await mkdtemp(path.join(os.tmpdir(), 'turnpike-why-'))
const world = realWorld()
const ids = new RequestIds('abc123')
const log = await AccessLog.open({ to: null, remember: true, ids, world, ledger: new Ledger(), report: () => {} })
log.finish(finishedExchange({ sequence: 1, target: '/v1/users/7?a=b' }))
const refused = new TurnpikeError('ERR_CONNECT_REFUSED')
log.finish(
  finishedExchange({
    sequence: 2,
    status: 502,
    error: refused,
    attempts: 3,
    times: { connected: 0, firstByte: 0 },
    queuedMs: 2.5,
    failedAttempts: [{ endpoint: 'http://127.0.0.1:9002', cause: '503', afterMs: 3.25 }],
  }),
)
log.finish(
  finishedExchange({
    sequence: 3,
    route: 'goproxy:zip',
    upstream: 'direct',
    endpoint: '',
    attempts: 0,
    cache: 'miss',
    decisions: [
      { by: 'https://a.example', outcome: '502', tookMs: 3.5 },
      { by: 'direct', outcome: '200', tookMs: 41 },
    ],
  }),
)
const port = controlPort({ find: (id) => log.find(id) })
const token = 'a-token'
const open = await AdminServer.listen({
  address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
  token: null,
  port,
  world,
  onError: () => {},
})
const closed = await AdminServer.listen({
  address: { kind: 'tcp', host: '', port: 0 },
  token,
  port,
  world,
  onError: () => {},
})
after(async () => {
  await Promise.all([open.close(), closed.close(), rm(folder, { recursive: true })])
})

const portOf = (server: AdminServer): number => {
  const address = server.address()
  return address.kind === 'tcp' ? address.port : 0
}
const url = `http://127.0.0.1:${portOf(open)}`

async function run(
  args: string[],
  env: Record<string, string> = {},
  cwd = folder,
): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const code = await why(args, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    cwd,
    env,
  })
  return { code, out, err }
}

/** A config whose admin address is `listen`. */
const configWith = (listen: string, rest = ''): string =>
  `listeners: { web: { address: "127.0.0.1:8080", door: gateway } }
gateway: { routes: [ { name: ping, match: { path: /ping }, respond: { status: 200, body: pong } } ] }
admin: { address: "${listen}"${rest} }
`

describe('turnpike why', () => {
  test('says where an answer about Go modules came from, and who was asked', async () => {
    const { code, out } = await run(['abc123-03', '--admin', url])
    assert.equal(code, 0)
    assert.match(out, /^cache +miss\nasked +https:\/\/a\.example: 502 after 3\.5 ms\n +direct: 200 after 41 ms$/m)
  })

  test('says in words what became of a request', async () => {
    const { code, out, err } = await run([ids.at(1), '--admin', url])
    assert.equal(err, '')
    assert.equal(code, 0)
    assert.equal(
      out,
      `request    abc123-01 at 2026-11-22T08:50:39.123Z
from       203.0.113.7:40001 on listener web
asked for  GET api.example.com/v1/users/7 (and a query)
route      users
upstream   app
endpoint   http://127.0.0.1:9001, on a connection that was open
retries    none
answered   200 (0 bytes in, 1234 bytes out)
took       4.75 ms: 0.25 ms until a connection was at hand, 3.25 ms until the first byte of the reply, 1.25 ms for the rest
today      the same route would serve it
not        ping: path
`,
    )
  })

  test('says why a request failed', async () => {
    const { code, out } = await run([ids.at(2), '--admin', `127.0.0.1:${portOf(open)}`])
    assert.equal(code, 0)
    assert.match(
      out,
      /retries {4}2: it was sent 3 times\n +http:\/\/127\.0\.0\.1:9002 came to nothing after 3\.25 ms: 503/,
    )
    assert.match(out, /took .*2\.5 ms in the upstream's queue/)
    assert.match(out, /answered {3}502/)
    assert.match(
      out,
      /cause {6}ERR_CONNECT_REFUSED: The endpoint refused the connection\.\n +failed: the upstream, in phase dial/,
    )
  })

  test('prints JSON', async () => {
    const { code, out } = await run([ids.at(1), '--admin', url, '--json'])
    assert.equal(code, 0)
    assert.equal(JSON.parse(out).request.id, ids.at(1))
  })

  test('finds the address and the token in the config', async () => {
    await writeFile(path.join(folder, 'turnpike.yaml'), configWith(`127.0.0.1:${portOf(open)}`))
    assert.equal((await run([ids.at(1)])).code, 0)
    await writeFile(path.join(folder, 'secret'), `${token}\n`)
    await writeFile(path.join(folder, 'other.yaml'), configWith(`:${portOf(closed)}`, ', token: { file: secret }'))
    assert.equal((await run([ids.at(1), '--config', 'other.yaml'])).code, 0)
    await writeFile(path.join(folder, 'off.yaml'), configWith('').replace(/admin:.*/, 'admin: off'))
    const off = await run([ids.at(1), '--config', 'off.yaml'])
    assert.deepEqual([off.code, off.err], [1, 'off.yaml switches the admin address off.\n'])
    const none = await run([ids.at(1), '--config', 'none.yaml'])
    assert.equal(none.code, 1)
    assert.match(none.err, /none\.yaml cannot be read.*--admin URL/)
  })

  test('gives the token from the environment', async () => {
    const admin = `http://localhost:${portOf(closed)}/`
    assert.equal((await run([ids.at(1), '--admin', admin], { TURNPIKE_ADMIN_TOKEN: token })).code, 0)
    const { code, err } = await run([ids.at(1), '--admin', admin])
    assert.equal(code, 1)
    assert.match(err, /needs its token/)
  })

  test('1 where the request is not known, nobody listens, or something else does', async () => {
    const unknown = await run(['abc123-zz', '--admin', url])
    assert.deepEqual([unknown.code, unknown.out], [1, ''])
    assert.match(unknown.err, /No recent request has the id "abc123-zz"/)
    const other = http.createServer((_request, response) => response.end('hello'))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const address = other.address()
    assert.ok(typeof address === 'object' && address !== null)
    const stranger = await run([ids.at(1), '--admin', `127.0.0.1:${address.port}`])
    assert.equal(stranger.code, 1)
    assert.match(stranger.err, /is not Turnpike/)
    other.closeAllConnections()
    await new Promise((resolve) => other.close(resolve))
    const nobody = await run([ids.at(1), '--admin', `127.0.0.1:${address.port}`])
    assert.equal(nobody.code, 1)
    assert.match(nobody.err, /is Turnpike running\?/)
  })

  test('2 for wrong usage; --help is 0', async () => {
    for (const args of [
      [],
      ['a', 'b'],
      ['a b'],
      ['../x'],
      ['x', '--bogus'],
      ['x', '--admin', 'ftp://x'],
      ['x', '--admin', 'example.com:1'],
    ]) {
      const { code, out, err } = await run(args)
      assert.deepEqual([args, code, out], [args, 2, ''])
      assert.match(err, /Usage: turnpike why/)
    }
    const { code, out } = await run(['--help'])
    assert.equal(code, 0)
    assert.match(out, /^Usage: turnpike why/)
  })
})
