import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes, scryptSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { hashSync } from 'bcryptjs'
import type { ConfigInput } from '../../src/config/config.ts'
import { ConfigError } from '../../src/config/errors.ts'
import { loadConfigObject } from '../../src/config/load.ts'
import { formatScrypt, parsePasswordHash, type PasswordHash } from '../../src/core/password-hash.ts'
import type { BcryptThread } from '../../src/engine/logins/bcrypt-thread.ts'
import { Logins } from '../../src/engine/logins/logins.ts'
import { PasswordCheck } from '../../src/engine/logins/password-check.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import { ask, get } from '../support/raw-client.ts'
import { through } from './through.ts'

const folder = mkdtempSync(join(tmpdir(), 'turnpike-auth-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Made in a moment, unlike a real one. */
function cheap(password: string): string {
  const salt = randomBytes(16)
  const parameters = { cost: 16, blockSize: 8, parallelization: 1 }
  return formatScrypt({ kind: 'scrypt', ...parameters, salt, key: scryptSync(password, salt, 32, parameters) })
}

const basic = (user: string, password: string): string =>
  `Authorization: Basic ${Buffer.from(`${user}:${password}`).toString('base64')}\r\n`

const config = (realm: string, hash: string, url: string): ConfigInput => ({
  listeners: { web: { address: '127.0.0.1:0', door: 'gateway' } },
  gateway: {
    use: [{ basicAuth: { users: { alice: hash }, realm } }],
    routes: [{ name: 'all', match: { path: '/**' }, to: 'app' }],
    upstreams: { app: { endpoints: [url] } },
  },
  admin: 'off',
  log: { access: 'off', level: 'error' },
})

describe('basicAuth', () => {
  test('asks, lets in who is right, and names the user in the log', async (t) => {
    const users = { alice: cheap('sesame'), björn: cheap('söt:nöt') }
    const { gateway, origin } = await through(t, [{ basicAuth: { users, realm: 'Staff only' } }])
    const asked = await ask(gateway.port, get())
    assert.equal(asked.status, 401)
    assert.equal(asked.field('www-authenticate'), 'Basic realm="Staff only", charset="UTF-8"')
    assert.match(asked.field('proxy-status')!, /ERR_AUTH_REQUIRED/)
    // The second time it is remembered.
    for (let round = 0; round < 2; round++) {
      assert.equal((await ask(gateway.port, get(basic('alice', 'sesame')))).status, 200)
      assert.equal((await ask(gateway.port, get(basic('björn', 'söt:nöt')))).status, 200)
    }
    assert.deepEqual(
      (await gateway.logged(5)).map(({ user }) => user),
      [undefined, 'alice', 'bj\u00f6rn', 'alice', 'bj\u00f6rn'],
    )
    assert.equal(origin.requests.length, 4)
    assert.ok(origin.requests.every((request) => request.field('authorization') === undefined))
  })

  test('keeps everybody else out', async (t) => {
    const { gateway, origin } = await through(t, [{ basicAuth: { users: { alice: cheap('sesame') } } }])
    const right = basic('alice', 'sesame')
    assert.equal((await ask(gateway.port, get(right))).status, 200)
    const wrong = [
      basic('alice', 'Sesame'),
      basic('alice', ''),
      basic('alice', 'sesame '),
      basic('Alice', 'sesame'),
      basic('bob', 'sesame'),
      basic('', ''),
      basic('constructor', 'sesame'),
      'Authorization: Basic YWxpY2U=\r\n',
      'Authorization: Basic !!!\r\n',
      `Authorization: Bearer ${btoa('alice:sesame')}\r\n`,
      `Proxy-${right}`,
      right + right,
      right + basic('bob', 'x'),
    ]
    for (const fields of wrong) assert.equal((await ask(gateway.port, get(fields))).status, 401, fields)
    assert.equal(origin.requests.length, 1)
  })

  test('the scheme is read in any case, and the field is forwarded where that is wanted', async (t) => {
    const { gateway, origin } = await through(t, [{ basicAuth: { users: { alice: cheap('a') }, forward: true } }])
    const value = `bAsIc ${btoa('alice:a')}`
    assert.equal((await ask(gateway.port, get(`Authorization: ${value}\r\n`))).status, 200)
    assert.equal(origin.requests[0]!.field('authorization'), value)
  })

  test('a reload forgets nobody who is still a user with that password', async (t) => {
    const slow = t.mock.method(PasswordCheck.prototype, 'isRight')
    const [first, second] = [cheap('sesame'), cheap('sesame')]
    const { gateway, origin } = await through(t, [], undefined, {})
    const status = async () => (await ask(gateway.port, get(basic('alice', 'sesame')))).status
    const reload = async (realm: string, hash: string) =>
      assert.equal((await gateway.turnpike.reload(config(realm, hash, origin.url))).result, 'applied')
    await reload('one', first)
    assert.equal(await status(), 200)
    await reload('two', first)
    assert.equal(await status(), 200)
    assert.equal(slow.mock.callCount(), 1)
    await reload('two', second)
    assert.equal(await status(), 200)
    assert.equal(slow.mock.callCount(), 2)
  })

  test('bcrypt hashes, in place, from a file, as htpasswd writes them', async (t) => {
    writeFileSync(join(folder, 'carol'), `carol:${hashSync('openup', 4).replace('$2b$', '$2y$')}\n`)
    const users = { alice: hashSync('sesame', 4), carol: { file: join(folder, 'carol') } }
    const { gateway } = await through(t, [{ basicAuth: { users } }])
    const status = async (user: string, password: string) =>
      (await ask(gateway.port, get(basic(user, password)))).status
    assert.deepEqual(
      await Promise.all([
        status('alice', 'sesame'),
        status('carol', 'openup'),
        status('carol', 'no'),
        status('x', 'no'),
      ]),
      [200, 200, 401, 401],
    )
  })

  test('htpasswd makes a file that lets its user in', async (t) => {
    if (!requireProgram(t, 'htpasswd')) return
    const file = join(folder, 'dave')
    writeFileSync(file, execFileSync('htpasswd', ['-nbB', '-C', '5', 'dave', 'hush'], { encoding: 'utf8' }))
    const { gateway } = await through(t, [{ basicAuth: { users: { dave: { file } } } }])
    assert.equal((await ask(gateway.port, get(basic('dave', 'hush')))).status, 200)
  })

  test('turnpike hash-password makes a file that lets its user in', async (t) => {
    const main = join(import.meta.dirname, '../../src/cli/main.ts')
    const made = spawnSync(process.execPath, [main, 'hash-password'], { input: 'open sesame\n', encoding: 'utf8' })
    assert.equal(made.status, 0, made.stderr)
    assert.match(made.stdout, /^\$scrypt\$ln=15,r=8,p=3\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}\n$/)
    assert.equal(spawnSync(process.execPath, [main, 'hash-password'], { input: '\n' }).status, 1)
    const file = join(folder, 'erin')
    writeFileSync(file, made.stdout)
    const { gateway } = await through(t, [{ basicAuth: { users: { erin: { file } } } }])
    assert.equal((await ask(gateway.port, get(basic('erin', 'open sesame')))).status, 200)
    assert.equal((await ask(gateway.port, get(basic('erin', 'open sesame\n')))).status, 401)
  })

  test('what is no hash is refused with its place, and not shown', async () => {
    writeFileSync(join(folder, 'plain'), 'hunter2\n')
    const users = {
      alice: 'hunter2',
      bob: { file: 'plain' },
      carol: '$scrypt$ln=19,r=8,p=1$c2FsdHNhbHRzYWx0$vXkOYEfuNDWF7p+Kb3cZUA',
      dave: `$2b$31$${'a'.repeat(53)}`,
    }
    const error: unknown = await loadConfigObject(
      {
        listeners: { web: { address: ':0', door: 'gateway' } },
        gateway: { use: [{ basicAuth: { users } }], routes: [{ name: 'all', respond: {} }] },
      },
      { cwd: folder },
    ).catch((thrown: unknown) => thrown)
    assert.ok(error instanceof ConfigError)
    const found = error.problems.map(({ code, message }) => `${code} ${message}`)
    assert.deepEqual(found.toSorted(), [
      'ERR_CONFIG_INVALID gateway.use[0].basicAuth.users.alice: it is no scrypt or bcrypt hash: make one with turnpike hash-password or htpasswd -B',
      'ERR_CONFIG_INVALID gateway.use[0].basicAuth.users.carol: its scrypt parameters ask for more than 128 MiB',
      'ERR_CONFIG_INVALID gateway.use[0].basicAuth.users.dave: a bcrypt cost of 31 is outside 4 to 16',
      'ERR_CONFIG_SECRET gateway.use[0].basicAuth.users.bob.file: plain: it is no scrypt or bcrypt hash: make one with turnpike hash-password or htpasswd -B',
    ])
    assert.doesNotMatch(error.message + String(error.stack), /hunter2/)
  })
})

/** Checks that a test lets go on by hand. */
class HeldCheck extends PasswordCheck {
  readonly held: { password: string; hash: PasswordHash; answer: (right: boolean) => void }[] = []

  override isRight(password: string, hash: PasswordHash): Promise<boolean> {
    return new Promise((answer) => this.held.push({ password, hash, answer }))
  }
}

const thread = (held: { hash: string; answer: (right: boolean) => void }[]) =>
  // Of the thread the check needs one method.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  ({
    isRight: (_password: string, hash: string) => new Promise<boolean>((answer) => held.push({ hash, answer })),
  }) as BcryptThread

const value = (user: string, password: string): string => `Basic ${btoa(`${user}:${password}`)}`

describe('logins', () => {
  test('a name that nobody has is checked like another, and always like the same', async () => {
    const hashes = new Map(['a', 'b', 'c'].map((name) => [name, parsePasswordHash(cheap(name))] as const))
    const check = new HeldCheck(thread([]))
    const logins = new Logins(hashes, check, { now: () => 0 })
    const results = ['nobody', 'nobody', 'somebody', 'a'].map((user, at) => logins.userOf(value(user, `guess ${at}`)))
    assert.equal(check.held.length, 4)
    assert.equal(check.held[0]!.hash, check.held[1]!.hash)
    assert.ok([...hashes.values()].includes(check.held[2]!.hash))
    assert.equal(check.held[3]!.hash, hashes.get('a'))
    // Even the password of the other one's hash lets nobody in.
    for (const { answer } of check.held) answer(true)
    assert.deepEqual(await Promise.all(results.map((each) => Promise.resolve(each))), [null, null, null, 'a'])
  })

  test('what was right is remembered for five minutes; what was wrong never; one check serves all that wait for it', async () => {
    let now = 0
    const hashes = new Map([['a', parsePasswordHash(cheap('a'))]])
    const check = new HeldCheck(thread([]))
    const logins = new Logins(hashes, check, { now: () => now })
    const first = [logins.userOf(value('a', 'a')), logins.userOf(value('a', 'a'))]
    assert.equal(check.held.length, 1)
    check.held[0]!.answer(true)
    assert.deepEqual(await Promise.all(first.map((each) => Promise.resolve(each))), ['a', 'a'])
    now = 5 * 60_000 - 1
    assert.equal(logins.userOf(value('a', 'a')), 'a')
    now += 1
    assert.ok(logins.userOf(value('a', 'a')) instanceof Promise)
    for (let round = 0; round < 2; round++) {
      const wrong = logins.userOf(value('a', 'b'))
      check.held.at(-1)!.answer(false)
      assert.equal(await wrong, null)
    }
    assert.equal(check.held.length, 4)
  })

  test('two are checked at a time, a few wait, the rest is told to come back', async () => {
    const held: { hash: string; answer: (right: boolean) => void }[] = []
    const check = new PasswordCheck(thread(held))
    const hash = { kind: 'bcrypt' as const, text: 'x' }
    const waiting = Array.from({ length: 66 }, () => check.isRight('p', hash))
    assert.equal(held.length, 2)
    await assert.rejects(check.isRight('p', hash), { code: 'ERR_AUTH_BUSY', status: 503 })
    let most = 0
    let answered = 0
    while (answered < 66) {
      most = Math.max(most, held.length)
      const next = held.shift()
      if (next === undefined) {
        await Promise.resolve()
        continue
      }
      answered++
      next.answer(true)
    }
    assert.equal(most, 2)
    assert.ok((await Promise.all(waiting)).every(Boolean))
  })
})
