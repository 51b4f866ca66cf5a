import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import type { ConfigInput } from '../../src/config/config.ts'
import type { HarEntry } from '../../src/doors/forward/flows/har.ts'
import { readHar } from '../support/forward/har.ts'
import { openTunnel } from '../support/forward/open-tunnel.ts'
import { openSecured, startIntercepting, startTarget } from '../support/forward/start-intercepting.ts'
import { startForward } from '../support/forward/start-forward.ts'
import type { TestGateway } from '../support/gateway.ts'
import { portOf } from '../support/peers/free-port.ts'
import { startOrigin } from '../support/origin.ts'
import { ask } from '../support/raw-client.ts'

type RecordInput = Omit<NonNullable<NonNullable<ConfigInput['forward']>['record']>, 'flows'>

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${portOf(server)}`
}

function flowsFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-flows-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'flows.har')
}

async function recording(t: TestContext, record: RecordInput = {}, more: ConfigInput = { listeners: {} }) {
  const file = flowsFile(t)
  const { listeners: _, ...config } = more
  const proxy = await startForward(t, { record: { flows: file, ...record } }, { config })
  return { proxy, file, entries: (count: number) => written(proxy, file, count) }
}

/** The entries of the file, when that many are in it. */
async function written(proxy: TestGateway, file: string, count: number): Promise<HarEntry[]> {
  await proxy.when(() => readFileSync(file, 'utf8').split('\n').length >= count + 3, `${count} flows`)
  const entries = readHar(file)
  assert.equal(entries.length, count)
  return entries
}

const get = (url: string, fields = ''): string =>
  `GET ${url} HTTP/1.1\r\nHost: ${new URL(url).host}\r\n${fields}Connection: close\r\n\r\n`

const post = (url: string, type: string, body: string): string =>
  `POST ${url} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`

describe('flows that are recorded', () => {
  test('a request with its reply is an entry of HAR 1.2, its secrets left out', async (t) => {
    const origin = await serve(t, (_request, response) => {
      response.writeHead(200, {
        'Content-Type': 'application/json; charset=utf-8',
        'Set-Cookie': 'sid=s3cret; Path=/; Secure; HttpOnly; SameSite=Lax; Expires=Wed, 21 Oct 2037 07:28:00 GMT',
      })
      response.end('{"name":"Zoë","access_token":"s3cret"}')
    })
    const { proxy, file, entries } = await recording(t)
    const fields = 'Cookie: sid=s3cret\r\nAuthorization: Bearer s3cret\r\nX-Api-Key: s3cret\r\n'
    const reply = await ask(proxy.port, get(`${origin}/a?page=2&token=s3cret`, fields))
    assert.match(reply.body, /s3cret/)
    const [entry] = await entries(1)
    const { request, response } = entry!
    assert.equal(request.method, 'GET')
    assert.equal(request.url, `${origin}/a?page=2&token=[redacted]`)
    assert.equal(request.httpVersion, 'HTTP/1.1')
    assert.deepEqual(request.queryString, [
      { name: 'page', value: '2' },
      { name: 'token', value: '[redacted]' },
    ])
    assert.deepEqual(request.cookies, [{ name: 'sid', value: '[redacted]' }])
    assert.deepEqual(
      request.headers.find(({ name }) => name === 'Authorization'),
      { name: 'Authorization', value: 'Bearer [redacted]' },
    )
    assert.equal(response.status, 200)
    assert.equal(response.statusText, 'OK')
    assert.deepEqual(response.cookies, [
      {
        name: 'sid',
        value: '[redacted]',
        path: '/',
        secure: true,
        httpOnly: true,
        sameSite: 'Lax',
        expires: '2037-10-21T07:28:00.000Z',
      },
    ])
    assert.equal(response.content.text, '{"name":"Zoë","access_token":"[redacted]"}')
    assert.equal(response.content.size, Buffer.byteLength('{"name":"Zoë","access_token":"s3cret"}'))
    assert.equal(response.bodySize, response.content.size)
    assert.equal(entry!.serverIPAddress, '127.0.0.1')
    assert.ok(entry!.timings.connect >= 0 && entry!.timings.wait >= 0)
    assert.equal(entry!['_turnpike'].id, proxy.log[0]!.id)
    assert.equal(entry!['_turnpike'].rule, 'default')
    assert.doesNotMatch(readFileSync(file, 'utf8'), /s3cret/)
  })

  test('`secrets: true` writes all of it down, `redact` leaves out more', async (t) => {
    const origin = await serve(t, (_request, response) => response.end('ok'))
    const open = await recording(t, { secrets: true })
    await ask(open.proxy.port, get(`${origin}/?token=s3cret`, 'Authorization: Bearer s3cret\r\n'))
    const [all] = await open.entries(1)
    assert.equal(all!.request.url, `${origin}/?token=s3cret`)
    const more = await recording(t, { redact: ['x-tenant', 'page'] })
    await ask(more.proxy.port, get(`${origin}/?page=s3cret`, 'X-Tenant: s3cret\r\n'))
    await more.entries(1)
    assert.doesNotMatch(readFileSync(more.file, 'utf8'), /s3cret/)
  })

  test('what the client posts: a form with its parameters, bytes as base64', async (t) => {
    const origin = await serve(t, (request, response) => request.resume().on('end', () => response.end()))
    const { proxy, entries } = await recording(t)
    await ask(
      proxy.port,
      post(`${origin}/form`, 'application/x-www-form-urlencoded', 'name=Zo%C3%AB+x&password=s3cret'),
    )
    await ask(proxy.port, post(`${origin}/bytes`, 'application/octet-stream', 'abc'))
    const [form, bytes] = await entries(2)
    assert.deepEqual(form!.request.postData, {
      mimeType: 'application/x-www-form-urlencoded',
      params: [
        { name: 'name', value: 'Zoë x' },
        { name: 'password', value: '[redacted]' },
      ],
      text: 'name=Zo%C3%AB+x&password=[redacted]',
    })
    assert.equal(form!.request.bodySize, 31)
    assert.equal(bytes!.request.postData!.text, Buffer.from('abc').toString('base64'))
    assert.equal(bytes!.request.postData!['_encoding'], 'base64')
  })

  test('encoded bodies are written down decoded; what is no text as base64', async (t) => {
    const text = 'hello '.repeat(1000)
    const image = randomBytes(3000)
    const bodies: Record<string, [type: string, coding: string | null, body: Buffer]> = {
      '/gzip': ['text/html', 'gzip', gzipSync(text)],
      '/br': ['text/html', 'br', brotliCompressSync(text)],
      '/broken': ['text/html', 'gzip', Buffer.from('no gzip')],
      '/image': ['image/png', null, image],
      '/latin1': ['text/plain; charset=iso-8859-1', null, Buffer.from('Zoë', 'latin1')],
      '/invalid': ['text/plain', null, Buffer.from([0x61, 0xff])],
    }
    const origin = await serve(t, (request, response) => {
      const [type, coding, body] = bodies[request.url!]!
      response.writeHead(200, { 'Content-Type': type, ...(coding !== null && { 'Content-Encoding': coding }) })
      response.end(body)
    })
    const { proxy, entries } = await recording(t)
    for (const path of Object.keys(bodies)) await ask(proxy.port, get(`${origin}${path}`))
    const [gzip, br, broken, png, latin1, invalid] = (await entries(6)).map(({ response }) => response)
    assert.equal(gzip!.content.text, text)
    assert.equal(gzip!.content.size, text.length)
    assert.equal(gzip!.bodySize, gzipSync(text).length)
    assert.equal(gzip!.content.compression, text.length - gzip!.bodySize)
    assert.equal(br!.content.text, text)
    assert.deepEqual(
      [broken!.content.encoding, broken!.content.text],
      ['base64', Buffer.from('no gzip').toString('base64')],
    )
    assert.deepEqual([png!.content.encoding, png!.content.text], ['base64', image.toString('base64')])
    assert.equal(latin1!.content.text, 'Zoë')
    assert.equal(invalid!.content.encoding, 'base64')
  })

  test('bodies pass as they are, whatever is kept of them: `bodies` bounds it', async (t) => {
    const body = 'é'.repeat(500_000)
    const origin = await serve(t, (request, response) => {
      const hash = createHash('sha256')
      request.on('data', (piece: Buffer) => hash.update(piece))
      request.on('end', () => {
        response.writeHead(200, {
          'Content-Type': 'text/plain',
          'X-Hash': hash.digest('hex'),
          'Content-Length': 1_000_000,
        })
        response.end(body)
      })
    })
    const { proxy, entries } = await recording(t, { bodies: '1001B' })
    const reply = await ask(proxy.port, Buffer.from(post(`${origin}/`, 'text/plain', body)).toString('latin1'))
    assert.equal(reply.field('x-hash'), createHash('sha256').update(body).digest('hex'))
    assert.equal(reply.field('content-length'), '1000000')
    assert.equal(Buffer.from(reply.body, 'latin1').toString(), body)
    const { request, response } = (await entries(1))[0]!
    assert.equal(request.bodySize, 1_000_000)
    assert.equal(request.postData!.text, 'é'.repeat(500))
    assert.equal(request.postData!.comment, 'the first 1001 bytes')
    assert.equal(response.content.text, 'é'.repeat(500))
    assert.equal(response.content.size, 1_000_000)
    assert.equal(response.content['_truncated'], true)
  })

  test('`bodies: off` keeps sizes alone', async (t) => {
    const origin = await serve(t, (_request, response) => response.end('hello'))
    const { proxy, entries } = await recording(t, { bodies: 'off' })
    await ask(proxy.port, get(`${origin}/`))
    const { response } = (await entries(1))[0]!
    assert.deepEqual(response.content, { size: 5, mimeType: '' })
  })

  test('requests that fail are recorded with the cause, those cut off with what came', async (t) => {
    const origin = await serve(t, (request, response) => {
      if (request.url === '/none') request.socket.destroy()
      else
        response
          .writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 10 })
          .write('hello', () => request.socket.destroy())
    })
    const { proxy, entries } = await recording(t)
    await ask(proxy.port, get(`${origin}/none`))
    await ask(proxy.port, get(`${origin}/half`)).catch(() => {})
    const [none, half] = await entries(2)
    assert.equal(none!.response.status, 0)
    assert.equal(none!.response['_error'], 'ERR_UPSTREAM_CLOSED')
    assert.equal(none!['_turnpike'].status, 502)
    assert.equal(half!.response.status, 200)
    assert.equal(half!.response.content.text, 'hello')
    assert.match(half!.response.content.comment!, /broken off after 5 bytes/)
    assert.ok(half!.response['_error'])
  })

  test('middleware changes what leaves, and that is what is recorded', async (t) => {
    const origin = await serve(t, (request, response) =>
      response.setHeader('X-Seen', request.headers['x-added'] ?? '').end(),
    )
    const file = flowsFile(t)
    const proxy = await startForward(
      t,
      { record: { flows: file }, use: ['add'] },
      {
        config: {
          middlewares: {
            add: { headers: { request: { set: { 'x-added': 'yes' } }, response: { remove: ['x-seen'] } } },
          },
        },
      },
    )
    const reply = await ask(proxy.port, get(`${origin}/`))
    assert.equal(reply.field('x-seen'), undefined)
    const [entry] = await written(proxy, file, 1)
    assert.ok(entry!.request.headers.some(({ name, value }) => name.toLowerCase() === 'x-added' && value === 'yes'))
    assert.ok(entry!.response.headers.some(({ name, value }) => name === 'X-Seen' && value === 'yes'))
  })

  test('a reload goes on with the file; a record that is switched off ends; the file outlives the process', async (t) => {
    const origin = await serve(t, (_request, response) => response.setHeader('Content-Type', 'text/plain').end('hello'))
    const { proxy, file } = await recording(t)
    const input = (record?: object): ConfigInput => ({
      listeners: { web: { address: '127.0.0.1:0', door: 'forward' } },
      forward: {
        guard: { allow: ['127.0.0.0/8'] },
        ...(record !== undefined && { record: { flows: file, ...record } }),
      },
      admin: 'off',
      log: { access: 'off' },
    })
    await ask(proxy.port, get(`${origin}/1`))
    assert.equal((await proxy.turnpike.reload(input({ bodies: 'off' }))).result, 'applied')
    await ask(proxy.port, get(`${origin}/2`))
    await written(proxy, file, 2)
    assert.equal((await proxy.turnpike.reload(input())).result, 'applied')
    await ask(proxy.port, get(`${origin}/3`))
    await proxy.when(() => proxy.count('flowFiles') === 0, 'the file to be closed')
    assert.equal((await proxy.turnpike.reload(input({}))).result, 'applied')
    await ask(proxy.port, get(`${origin}/4`))
    const entries = await written(proxy, file, 3)
    assert.deepEqual(
      entries.map(({ request }) => new URL(request.url).pathname),
      ['/1', '/2', '/4'],
    )
    assert.deepEqual(
      entries.map(({ response }) => response.content.text),
      ['hello', undefined, 'hello'],
    )
  })

  test('what an intercepted tunnel carries is recorded with https, a tunnel itself is not', async (t) => {
    const target = await startTarget(t)
    const file = flowsFile(t)
    const proxy = await startIntercepting(t, target.port, { forward: { record: { flows: file } } })
    const { peer } = await openSecured(proxy)
    peer.send('GET /one?token=s3cret HTTP/1.1\r\nHost: a.test\r\n\r\n')
    await peer.reply()
    peer.end()
    await proxy.logged(2)
    const [entry] = await written(proxy, file, 1)
    assert.equal(entry!.request.url, 'https://a.test/one?token=[redacted]')
    assert.equal(entry!.response.status, 200)
    assert.ok(entry!.timings.wait >= 0)
  })

  test('a protocol that is switched to is an entry without a body', async (t) => {
    const origin = await startOrigin(t, async (connection, { requests }) => {
      requests.push((await connection.request())!)
      connection.send('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhello')
      connection.end()
    })
    const { proxy, entries } = await recording(t)
    const client = await proxy.connect()
    const { host } = new URL(origin.url)
    client.send(`GET ${origin.url}/ HTTP/1.1\r\nHost: ${host}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n`)
    await client.until(({ text }) => text.endsWith('hello'), 'the other protocol')
    client.end()
    const [entry] = await entries(1)
    assert.equal(entry!.response.status, 101)
    assert.equal(entry!.response.content.size, 0)
  })

  test('an open tunnel outlives a reload that changes what is recorded', async (t) => {
    const origin = await startOrigin(
      t,
      (connection) =>
        void connection.until(({ text }) => text === 'ask', 'a question').then(() => connection.send('answer')),
    )
    const { proxy, file } = await recording(t)
    const { client } = await openTunnel(proxy, origin)
    const input: ConfigInput = {
      listeners: { web: { address: '127.0.0.1:0', door: 'forward' } },
      forward: { guard: { allow: ['127.0.0.0/8'] }, connectPorts: 'any', record: { flows: file, bodies: 'off' } },
      admin: 'off',
      log: { access: 'off' },
    }
    assert.equal((await proxy.turnpike.reload(input)).result, 'applied')
    await proxy.when(() => proxy.count('generations') === 1, 'the old generation to be gone')
    client.send('ask')
    await client.until(({ text }) => text === 'answer', 'an answer')
    client.end()
  })

  test('a file of somebody else is refused at the start', async (t) => {
    const file = flowsFile(t)
    writeFileSync(file, 'notes')
    await assert.rejects(startForward(t, { record: { flows: file } }), { code: 'ERR_FLOWS_FILE' })
    assert.equal(readFileSync(file, 'utf8'), 'notes')
  })
})
