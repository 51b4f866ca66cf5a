import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { replay } from '../../src/cli/replay.ts'
import { startForward } from '../support/forward/start-forward.ts'
import { portOf } from '../support/peers/free-port.ts'
import { ask } from '../support/raw-client.ts'

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-replay-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close().closeAllConnections())
  return `http://127.0.0.1:${portOf(server)}`
}

async function run(cwd: string, ...args: string[]) {
  let [stdout, stderr] = ['', '']
  const code = await replay(args, {
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
    cwd,
    env: {},
  })
  return { code, stdout, stderr }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  return (await request.toArray()).join('')
}

/** A service that remembers what it is asked; `version` is part of some answers. */
const service =
  (version: string, asked: string[]): RequestListener =>
  (request, response) => {
    void bodyOf(request).then((body) => {
      asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? '-'} ${body}`)
      if (request.url === '/missing') return response.writeHead(version === '1' ? 404 : 200).end()
      if (request.url === '/gzip') {
        response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Encoding': 'gzip' })
        return response.end(gzipSync('packed'))
      }
      response.writeHead(200, { 'Content-Type': 'application/json' })
      const now = `{"version":${request.url === '/version' ? version : 0},"access_token":"${Math.random()}","pin":${Date.now()}}`
      return response.end(now)
    })
  }

const entry = (request: object, response: object = { status: 200, content: { text: 'AQID', encoding: 'base64' } }) => ({
  startedDateTime: '2026-01-01T00:00:00Z',
  _initiator: { type: 'other' },
  request,
  response,
})

describe('turnpike replay', () => {
  test('sends what was recorded again, and says where the replies differ', async (t) => {
    const cwd = folderOf(t)
    const file = join(cwd, 'flows.har')
    const [first, second]: [string[], string[]] = [[], []]
    const was = await serve(t, service('1', first))
    const is = await serve(t, service('2', second))
    const proxy = await startForward(t, { record: { flows: file } })
    const { host } = new URL(was)
    const send = (head: string, body = ''): Promise<unknown> =>
      ask(
        proxy.port,
        `${head} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer a\r\nConnection: close\r\nContent-Type: text/plain\r\n${body === '' ? '' : `Content-Length: ${body.length}\r\n`}\r\n${body}`,
      )
    await send(`GET ${was}/same?page=2&token=s3cret`)
    await send(`GET ${was}/version`)
    await send(`GET ${was}/missing`)
    await send(`GET ${was}/gzip`)
    await send(`PATCH ${was}/patch`, 'body')
    await proxy.when(() => readFileSync(file, 'utf8').split('\n').length >= 8, 'five flows')

    const again = await run(cwd, 'flows.har', '--against', was)
    assert.equal(again.code, 0, again.stdout + again.stderr)
    assert.match(again.stdout, /5 requests: 5 answered as recorded, 0 not, 0 not sent/)
    assert.deepEqual(first.slice(5), [
      // What was redacted is not sent.
      'GET /same?page=2 - ',
      'GET /version - ',
      'GET /missing - ',
      'GET /gzip - ',
      'PATCH /patch - body',
    ])

    const other = await run(
      cwd,
      'flows.har',
      '--against',
      is,
      '-H',
      'Authorization: Bearer b',
      '--concurrency',
      '3',
      '--rate',
      '200',
    )
    assert.equal(other.code, 1)
    assert.match(other.stdout, /^≠ +GET +404 +200 +\d+ ms +\/missing\n +status$/m)
    assert.match(other.stdout, /^≠ +GET +200 +200 +\d+ ms +\/version\n +body: from byte 11 on/m)
    assert.match(other.stdout, /5 requests: 3 answered as recorded, 2 not, 0 not sent/)
    assert.ok(second.every((line) => line.includes('Bearer b')))

    const lax = await run(cwd, 'flows.har', '--against', is, '--status-only', '--json')
    const rows = lax.stdout
      .trim()
      .split('\n')
      .map((line): { path: string; outcome: string } => JSON.parse(line))
    assert.deepEqual(
      rows.map(({ path, outcome }) => `${path} ${outcome}`),
      ['/same?page=2 same', '/version same', '/missing different', '/gzip same', '/patch same'],
    )
  })

  test('reads what a browser saved', async (t) => {
    const cwd = folderOf(t)
    const seen: IncomingMessage[] = []
    const origin = await serve(t, (request, response) => {
      seen.push(request)
      response.setHeader('Content-Type', 'image/png').end(Buffer.from([1, 2, 3]))
    })
    const entries = [
      entry({
        method: 'GET',
        url: 'https://shop.example/a%20b//c?q=%2F',
        httpVersion: 'h2',
        headers: [
          { name: ':authority', value: 'shop.example' },
          { name: ':method', value: 'GET' },
          { name: 'accept', value: 'image/*' },
          { name: 'te', value: 'trailers' },
        ],
      }),
      entry({
        method: 'POST',
        url: 'https://shop.example/',
        headers: [],
        postData: { params: [{ name: 'a', value: 'b c' }] },
      }),
      entry({ method: 'GET', url: 'wss://shop.example/socket' }, { status: 101 }),
      entry({ method: 'GET', url: 'https://elsewhere.example/' }, { status: 0 }),
      entry({ method: 'POST', url: 'https://shop.example/', bodySize: 7 }),
    ]
    writeFileSync(join(cwd, 'saved.har'), JSON.stringify({ log: { version: '1.2', entries } }))
    const { code, stdout } = await run(cwd, 'saved.har', '--against', origin, '--only', 'shop.example', '--keep-host')
    assert.equal(code, 0, stdout)
    assert.match(stdout, /4 requests: 2 answered as recorded, 0 not, 2 not sent/)
    assert.match(stdout, /it switches protocols/)
    assert.match(stdout, /its body was not recorded/)
    assert.equal(seen[0]!.url, '/a%20b//c?q=%2F')
    assert.equal(seen[0]!.headers.host, 'shop.example')
    assert.equal(seen[0]!.headers.accept, 'image/*')
    assert.equal(seen[0]!.headers.te, undefined)
    assert.equal(seen[1]!.method, 'POST')
  })

  test('a service that does not answer differs from one that did', async (t) => {
    const cwd = folderOf(t)
    const entries = [{ request: { method: 'GET', url: 'http://a.example/' }, response: { status: 200 } }]
    writeFileSync(join(cwd, 'saved.har'), JSON.stringify({ log: { entries } }))
    const { code, stdout } = await run(cwd, 'saved.har', '--against', 'http://127.0.0.1:1')
    assert.equal(code, 1)
    assert.match(stdout, /ERR_CONNECT_REFUSED/)
  })

  test('says what is wrong with how it was asked', async (t) => {
    const cwd = folderOf(t)
    writeFileSync(join(cwd, 'not.har'), '{"log":1}')
    const against = ['--against', 'http://127.0.0.1:1']
    const wrong: [args: string[], code: number, said: RegExp][] = [
      [[], 2, /One HAR file is needed/],
      [['not.har'], 2, /--against URL says where/],
      [['not.har', '--against', 'http://a.example/path'], 2, /is not like/],
      [['not.har', '--against', 'ftp://a.example'], 2, /is not like/],
      [['not.har', ...against, '--rate', 'fast'], 2, /--rate: "fast" is no number/],
      [['not.har', ...against, '-H', 'x'], 2, /--header is like/],
      [['not.har', ...against], 1, /it is no HAR: log/],
      [['none.har', ...against], 1, /ENOENT/],
    ]
    for (const [args, code, said] of wrong) {
      const result = await run(cwd, ...args)
      assert.equal(result.code, code, args.join(' '))
      assert.match(result.stderr, said)
    }
  })
})
