import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { greeting, login, request, request4 } from '../support/forward/socks-messages.ts'
import { startForward } from '../support/forward/start-forward.ts'
import type { TestGateway } from '../support/gateway.ts'
import { startOrigin } from '../support/origin.ts'
import { freePort, portOf } from '../support/peers/free-port.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import type { RawPeer } from '../support/raw-peer.ts'

const users = { alice: 'sesame' }
const locked = { auth: { basic: { users } } }
const GRANTED = '\x05\x00\x00\x01\x7f\x00\x00\x01'

function curl(...args: string[]): Promise<{ code: number; out: string; errors: string }> {
  return new Promise((resolve) => {
    execFile('curl', ['-sS', '--max-time', '5', '--noproxy', '', ...args], (error, out, errors) =>
      resolve({ code: Number(error?.code ?? 0), out, errors }),
    )
  })
}

/** Takes that many bytes of what came. */
async function take(peer: RawPeer, length: number): Promise<string> {
  await peer.until(({ text }) => text.length >= length, `${length} bytes`)
  const taken = peer.text.slice(0, length)
  peer.text = peer.text.slice(length)
  return taken
}

/** All that comes until the end. */
async function rest(peer: RawPeer): Promise<string> {
  await peer.until(({ ended, closed }) => ended || closed, 'the end')
  return peer.text
}

/** What a proxy answers to a SOCKS5 request after the greeting. */
async function answerTo(proxy: TestGateway, message: Buffer): Promise<string> {
  const client = await proxy.connect()
  client.send(Buffer.concat([greeting(0), message]))
  assert.equal(await take(client, 2), '\x05\x00')
  return rest(client)
}

/** Echoes in capitals, and ends when its client has. */
async function startShouter(t: TestContext, host = '127.0.0.1'): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => socket.write(chunk.toString('latin1').toUpperCase()))
    socket.on('end', () => socket.end('.'))
  })
  server.listen(0, host)
  await once(server, 'listening')
  t.after(() => server.close())
  return portOf(server)
}

describe('clients', () => {
  for (const option of ['--socks4', '--socks4a', '--socks5', '--socks5-hostname']) {
    test(`S2 curl ${option}`, async (t) => {
      if (!requireProgram(t, 'curl')) return
      const [origin, proxy] = [await startOrigin(t), await startForward(t)]
      const { out, errors } = await curl(option, `127.0.0.1:${proxy.port}`, `http://localhost:${origin.port}/`)
      assert.equal(out, 'hello', errors)
      const [line] = await proxy.logged(1)
      assert.deepEqual(
        [line?.status, line?.protocol, line?.method],
        [200, option.startsWith('--socks4') ? 'SOCKS4' : 'SOCKS5', 'CONNECT'],
      )
      assert.ok(line!.bytesIn > 10 && line!.bytesOut > 10)
    })
  }

  test('curl logs in by --proxy-user; a wrong password, none, and SOCKS4 do not get in', async (t) => {
    if (!requireProgram(t, 'curl')) return
    const [origin, proxy] = [await startOrigin(t), await startForward(t, locked)]
    const to = `http://127.0.0.1:${origin.port}/`
    const through = (option: string, ...more: string[]) => curl(option, `127.0.0.1:${proxy.port}`, ...more, to)
    assert.equal((await through('--socks5', '--proxy-user', 'alice:sesame')).out, 'hello')
    assert.equal((await through('--socks5', '--proxy-user', 'alice:wrong')).code, 97)
    assert.equal((await through('--socks5')).code, 97)
    assert.equal((await through('--socks4', '--proxy-user', 'alice:')).code, 97)
    const log = await proxy.logged(4)
    assert.deepEqual(
      log.map(({ status, cause, user, protocol }) => [status, cause, user, protocol]),
      [
        [200, undefined, 'alice', 'SOCKS5'],
        [407, 'ERR_PROXY_AUTH', undefined, 'SOCKS5'],
        [407, 'ERR_PROXY_AUTH', undefined, 'SOCKS5'],
        [407, 'ERR_PROXY_AUTH', undefined, 'SOCKS4'],
      ],
    )
    assert.doesNotMatch(JSON.stringify(log), /sesame|wrong/)
  })

  test('nc -X 5 and -X 4', async (t) => {
    if (!requireProgram(t, 'nc')) return
    const [port, proxy] = [await startShouter(t), await startForward(t)]
    for (const version of ['5', '4']) {
      const args = ['-N', '-X', version, '-x', `127.0.0.1:${proxy.port}`, '127.0.0.1', String(port)]
      const out = await new Promise<string>((resolve) => {
        const child = execFile('nc', args, { timeout: 5_000 }, (_error, stdout) => resolve(stdout))
        child.stdin!.end('hello')
      })
      assert.equal(out, 'HELLO.', version)
    }
  })
})

describe('the handshake', () => {
  test('S1 arrives at every split, and glued to the payload', async (t) => {
    const [port, proxy] = [await startShouter(t), await startForward(t)]
    const cases: [what: string, bytes: Buffer, answer: number][] = [
      ['SOCKS5', Buffer.concat([greeting(0, 2), request('localhost', port), Buffer.from('hi')]), 12],
      ['SOCKS4A', Buffer.concat([request4('localhost', port), Buffer.from('hi')]), 8],
    ]
    for (const [what, bytes, answer] of cases) {
      const cuts = Array.from({ length: bytes.length }, (_, cut) => cut)
      await Promise.all(
        cuts.map(async (cut) => {
          const client = await proxy.connect()
          client.send(bytes.subarray(0, cut))
          // Everything is in one process: what was sent is read in between.
          for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
          client.send(bytes.subarray(cut))
          await take(client, answer)
          assert.equal(await take(client, 2), 'HI', `${what} cut at ${cut}`)
          client.end()
          assert.equal(await rest(client), '.')
        }),
      )
    }
    const bytewise = await proxy.connect()
    for (const byte of cases[0]![1]) {
      bytewise.send(Buffer.from([byte]))
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.equal((await take(bytewise, 14)).slice(12), 'HI')
  })

  test('S1 a client that has ended its direction with the request gets its reply', async (t) => {
    const [port, proxy] = [await startShouter(t), await startForward(t, locked)]
    const client = await proxy.connect()
    client.send(Buffer.concat([greeting(2), login('alice', 'sesame'), request('127.0.0.1', port), Buffer.from('all')]))
    client.end()
    assert.equal((await rest(client)).slice(-4), 'ALL.')
  })

  test('S1 no acceptable method: 0xFF, and the end', async (t) => {
    const [open, closed] = [await startForward(t), await startForward(t, locked)]
    for (const [proxy, methods] of [
      [open, [2]],
      [open, []],
      [closed, [0]],
      [closed, [1, 3, 0x80]],
    ] as const) {
      const client = await proxy.connect()
      client.send(greeting(...methods))
      assert.equal(await rest(client), '\x05\xff')
    }
    const causes = (await closed.logged(2)).map(({ cause, status }) => `${cause} ${status}`)
    assert.deepEqual(causes, ['ERR_PROXY_AUTH 407', 'ERR_PROXY_AUTH 407'])
  })

  test('a login that is none, and one that fails, are told so', async (t) => {
    const proxy = await startForward(t, locked)
    for (const bytes of [login('alice', 'no'), login('', ''), Buffer.from([2, 0, 0])]) {
      const client = await proxy.connect()
      client.send(Buffer.concat([greeting(2), bytes]))
      assert.equal(await rest(client), '\x05\x02\x01\x01')
    }
  })

  test('one that is not complete in time is given up, and so is one that ends', async (t) => {
    const proxy = await startForward(t, {}, { listener: { timeouts: { head: '100ms' } } })
    const late = await proxy.connect()
    late.send(greeting(0))
    assert.equal(await rest(late), '\x05\x00')
    assert.equal((await proxy.logged(1))[0]?.cause, 'ERR_HEAD_TIMEOUT')
    const mute = await proxy.connect()
    assert.equal(await rest(mute), '')
    const gone = await proxy.connect()
    gone.send(greeting(0).subarray(0, 1))
    gone.end()
    assert.equal(await rest(gone), '')
    assert.equal(proxy.log.length, 1)
  })
})

describe('replies', () => {
  test('S2 say the address that the target sees, over IPv4 and IPv6', async (t) => {
    const proxy = await startForward(t)
    for (const host of ['127.0.0.1', '::1']) {
      const server = createServer((socket) => socket.on('error', () => {}).end(`${socket.remotePort}`))
      server.listen(0, host)
      await once(server, 'listening')
      t.after(() => server.close())
      const client = await proxy.connect()
      client.send(Buffer.concat([greeting(0), request(host, portOf(server))]))
      const answer = Buffer.from(await rest(client), 'latin1').subarray(2)
      const length = host === '::1' ? 22 : 10
      assert.equal(answer[3], host === '::1' ? 4 : 1)
      assert.equal(answer.readUInt16BE(length - 2), Number(answer.subarray(length).toString('latin1')))
    }
    const four = await proxy.connect()
    const port = await startShouter(t)
    four.send(request4('127.0.0.1', port))
    const granted = await take(four, 8)
    assert.equal(granted.slice(0, 2) + granted.slice(4), '\0\x5a\x7f\0\0\x01')
  })

  test('S2 have the code of the true cause', async (t) => {
    const port = await startShouter(t)
    const proxy = await startForward(t, {
      rules: [{ match: { host: 'denied.test' }, deny: true }],
      socksPorts: [port, '1024-65535'],
    })
    const codes: [what: string, message: Buffer, code: number, cause: string][] = [
      ['a rule', request('denied.test', port), 2, 'ERR_RULE_DENIED'],
      ['the guard', request('10.0.0.1', port), 2, 'ERR_ADDRESS_FORBIDDEN'],
      ['a port', request('127.0.0.1', 25), 2, 'ERR_PORT_FORBIDDEN'],
      ['no such name', request('name.invalid', port), 4, 'ERR_DNS'],
      ['nobody there', request('127.0.0.1', await freePort()), 5, 'ERR_CONNECT_REFUSED'],
      ['BIND', request('127.0.0.1', port, 2), 7, 'ERR_SOCKS_COMMAND'],
      ['an address of no type', Buffer.from([5, 1, 0, 2, 1, 1, 1, 1, 0, 80]), 8, 'ERR_SOCKS'],
      ['no host', request('a b', port), 1, 'ERR_SOCKS'],
    ]
    for (const [what, message, code, cause] of codes) {
      const count = proxy.log.length
      const answer = await answerTo(proxy, message)
      assert.equal(answer, `\x05${String.fromCharCode(code)}\0\x01\0\0\0\0\0\0`, what)
      const line = (await proxy.logged(count + 1))[count]
      assert.equal(line?.cause, cause, what)
    }
    for (const message of [request4('10.0.0.1', port), request4('denied.test', port), request4('127.0.0.1', port, 2)]) {
      const client = await proxy.connect()
      client.send(message)
      assert.equal(await rest(client), '\0\x5b\0\0\0\0\0\0')
    }
  })

  test('a target that goes away and a client that does, are told apart and leave nothing', async (t) => {
    const proxy = await startForward(t)
    const server = createServer((socket) => socket.once('data', () => socket.resetAndDestroy()).on('error', () => {}))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const client = await proxy.connect()
    client.send(Buffer.concat([greeting(0), request('127.0.0.1', portOf(server))]))
    assert.equal((await take(client, 12)).slice(2, 10), GRANTED)
    client.send('x')
    assert.equal(await client.over(), 'reset')
    assert.equal((await proxy.logged(1))[0]?.cause, 'ERR_UPSTREAM_ABORT')
    const other = await proxy.connect()
    const port = await startShouter(t)
    other.send(Buffer.concat([greeting(0), request('127.0.0.1', port)]))
    await take(other, 12)
    assert.equal(proxy.count('tunnels'), 1)
    other.socket.resetAndDestroy()
    assert.equal((await proxy.logged(2))[1]?.cause, 'ERR_CLIENT_ABORT')
  })

  test('a middleware that answers has refused', async (t) => {
    const proxy = await startForward(
      t,
      {},
      {
        listener: { use: ['nobody'] },
        config: { middlewares: { nobody: { ipFilter: { deny: ['127.0.0.1'] } } } },
      },
    )
    assert.equal((await answerTo(proxy, request('127.0.0.1', 80)))[1], '\x02')
    assert.equal((await proxy.logged(1))[0]?.status, 403)
  })
})
