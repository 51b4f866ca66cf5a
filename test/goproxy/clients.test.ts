import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes, scryptSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { formatScrypt } from '../../src/core/password-hash.ts'
import { testCertificate } from '../support/certificates.ts'
import { makeModule } from '../support/goproxy/module-fixtures.ts'
import { startModules } from '../support/goproxy/module-door.ts'
import { requireProgram } from '../support/peers/require-program.ts'

const module = 'example.com/tool'
const list = '/example.com/tool/@v/list'
const info = '/example.com/tool/@v/v1.2.3.info'

const basic = (user: string, password: string): string =>
  `Authorization: Basic ${Buffer.from(`${user}:${password}`).toString('base64')}\r\n`
const bearer = (token: string): string => `Authorization: Bearer ${token}\r\n`

function hashed(password: string): string {
  const salt = randomBytes(16)
  const cost = { cost: 1024, blockSize: 8, parallelization: 1 }
  return formatScrypt({ kind: 'scrypt', ...cost, salt, key: scryptSync(password, salt, 32, cost) })
}

describe('clients of the module proxy', () => {
  test('G7 without credentials: 401 with a challenge for each way, told to nobody else', async (t) => {
    const door = await startModules(t, {
      modules: [await makeModule(module, 'v1.2.3')],
      goproxy: { auth: { basic: { users: { ci: 'sesame' } }, bearer: { tokens: { robot: 'tok-en' } } } },
    })
    for (const fields of [
      '',
      basic('ci', 'wrong'),
      basic('nobody', 'sesame'),
      bearer('tok-e'),
      bearer('sesame'),
      'Authorization: Basic ???\r\n',
      'Authorization: Negotiate abc\r\n',
      basic('ci', 'sesame') + basic('ci', 'wrong'),
    ]) {
      const reply = await door.ask(list, fields)
      assert.equal(reply.status, 401, fields)
      assert.match(reply.field('www-authenticate')!, /^Basic realm="[^"]+", charset="UTF-8", Bearer realm="[^"]+"$/)
      assert.match(reply.body, /netrc[^\n]*\nERR_AUTH_REQUIRED, request [\w-]+\n$/)
    }
    assert.deepEqual(door.peer.asked, [])
  })

  test('plain passwords, hashes and tokens let their users in, and the log names them', async (t) => {
    const door = await startModules(t, {
      modules: [await makeModule(module, 'v1.2.3')],
      goproxy: {
        auth: {
          basic: { users: { plain: 'sesame', hashed: hashed('open up'), dollar: '$ecret' } },
          bearer: { tokens: { robot: 'tok-en' } },
        },
      },
    })
    const users: [string, string][] = [
      ['plain', basic('plain', 'sesame')],
      ['hashed', basic('hashed', 'open up')],
      ['dollar', basic('dollar', '$ecret')],
      ['robot', bearer('tok-en')],
    ]
    let count = 0
    // The second time it is remembered, and the answer is warm.
    for (const [user, fields] of [...users, ...users]) {
      const reply = await door.ask(info, fields)
      assert.equal(reply.status, 200, user)
      assert.match(reply.field('cache-control')!, /^private, /)
      assert.equal((await door.line(++count)).user, user)
    }
    assert.equal((await door.ask(info)).status, 401, 'what is warm is guarded too')
  })

  test('a client certificate is its common name, and needs no password', async (t) => {
    if (!requireProgram(t, 'curl', 'openssl')) return
    const authority = testCertificate({ subject: 'Clients', authority: true })
    const server = testCertificate({ subject: 'modules.test', names: ['IP:127.0.0.1'] })
    const client = testCertificate({ subject: '/O=Example/CN=build, 7', issuer: authority })
    const door = await startModules(t, {
      modules: [await makeModule(module, 'v1.2.3')],
      listener: {
        tls: {
          certificates: [{ cert: server.certFile, key: server.keyFile }],
          clientAuth: { ca: authority.certFile, mode: 'request' },
        },
      },
      goproxy: { auth: { bearer: { tokens: { robot: 'tok-en' } } } },
    })
    const status = async (...args: string[]) => {
      const url = `https://127.0.0.1:${door.port}${info}`
      const quiet = ['-s', '-o', '/dev/null', '-w', '%{http_code}', '--cacert', server.certFile]
      const { stdout } = await promisify(execFile)('curl', [...quiet, ...args, url])
      return Number(stdout)
    }
    assert.equal(await status(), 401)
    assert.equal(await status('--cert', client.certFile, '--key', client.keyFile), 200)
    assert.equal((await door.line(2)).user, 'build, 7')
    assert.equal(await status('-H', 'Authorization: Bearer tok-en'), 200)
  })

  test('a client that asks for more than its rate is told when to come back; another one is not', async (t) => {
    const tokens = { one: 'aaa', two: 'bbb' }
    const door = await startModules(t, {
      modules: [await makeModule(module, 'v1.2.3')],
      goproxy: { auth: { bearer: { tokens } }, limits: { perClient: '3/h' } },
    })
    for (let each = 0; each < 3; each++) assert.equal((await door.ask(info, bearer('aaa'))).status, 200)
    const refused = await door.ask(info, bearer('aaa'))
    assert.equal(refused.status, 429)
    assert.match(refused.body, /limits\.perClient[^\n]*\nERR_RATE_LIMITED/)
    const seconds = Number(refused.field('retry-after'))
    assert.ok(seconds > 1100 && seconds <= 1200, `${seconds} s`)
    assert.equal((await door.ask(info, bearer('bbb'))).status, 200)
    // Guessing is bounded too, by address.
    for (let each = 0; each < 3; each++) assert.equal((await door.ask(info, bearer('guess'))).status, 401)
    assert.equal((await door.ask(info, bearer('guess'))).status, 429)
  })

  test('so many requests of one client at a time; warm ones take no time', async (t) => {
    const door = await startModules(t, {
      modules: [await makeModule(module, 'v1.2.3')],
      goproxy: { limits: { concurrentPerClient: 2 } },
    })
    await door.ask(info)
    const waiting: (() => void)[] = []
    door.peer.script = (_, response) => {
      waiting.push(() => response.writeHead(404).end())
      return true
    }
    const slow = ['a', 'b'].map((name) => door.ask(`/example.com/${name}/@v/list`))
    await door.when(() => waiting.length === 2, 'both to be asked for')
    const refused = await door.ask('/example.com/c/@v/list')
    assert.deepEqual([refused.status, refused.field('retry-after')], [429, '1'])
    assert.equal((await door.ask(info)).status, 200)
    for (const answer of waiting) answer()
    for (const reply of await Promise.all(slow)) assert.equal(reply.status, 404)
    door.peer.script = () => false
    assert.equal((await door.ask('/example.com/c/@v/list')).status, 404)
  })

  test('G4 what is denied is 403, whatever is asked of it, and nobody is asked about it', async (t) => {
    const door = await startModules(t, {
      modules: [await makeModule('evil.example/x', 'v1.0.0')],
      goproxy: { deny: ['evil.example', '*.test/bad'] },
    })
    for (const path of [
      '/evil.example/x/@v/list',
      '/evil.example/x/@latest',
      '/evil.example/x/@v/v1.0.0.info',
      '/evil.example/x/@v/v1.0.0.mod',
      '/evil.example/x/@v/v1.0.0.zip',
      '/a.test/bad/v2/@v/list',
    ]) {
      const reply = await door.ask(path)
      assert.equal(reply.status, 403, path)
      assert.match(reply.body, /is denied[^\n]*\nERR_MODULE_DENIED/)
    }
    assert.deepEqual(door.peer.asked, [])
    assert.equal((await door.ask('/b.test/good/@v/list')).status, 404)
  })

  test('a version that was first seen just now is 403 while it is too young', async (t) => {
    const door = await startModules(t, {
      modules: [await makeModule(module, 'v1.2.3', { time: '2001-01-01T00:00:00Z' })],
      goproxy: { cooldown: '72h' },
    })
    for (const file of ['info', 'mod', 'zip']) {
      const reply = await door.ask(`/example.com/tool/@v/v1.2.3.${file}`)
      assert.equal(reply.status, 403, file)
      assert.match(reply.body, /first seen less than 72h ago[^\n]*\nERR_MODULE_COOLDOWN/)
      assert.ok(Number(reply.field('retry-after')) > 250_000)
    }
  })

  test('a password that must be checked off the loop, while the client goes', async (t) => {
    const door = await startModules(t, {
      modules: [await makeModule(module, 'v1.2.3')],
      goproxy: { auth: { basic: { users: { ci: hashed('sesame') } } } },
    })
    const client = await door.connect()
    client.send(`GET ${info} HTTP/1.1\r\nHost: modules.test\r\n${basic('ci', 'sesame')}\r\n`)
    await door.when(() => door.count('exchanges') === 1, 'the request to be read')
    client.socket.destroy()
    assert.equal((await door.line(1)).status, 499)
    assert.equal((await door.ask(info, basic('ci', 'sesame'))).status, 200)
  })
})
