import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { testAuthority } from '../../test/support/forward/authority.ts'
import { requireProgram } from '../../test/support/peers/require-program.ts'
import { TurnpikeError } from '../core/error.ts'
import { createAuthority } from './create-authority.ts'
import { openAuthority } from './open-authority.ts'

const DAY_MS = 86_400_000
const SECOND_MS = 1_000

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-authority-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function leafFile(t: TestContext, chain: string): string {
  const file = join(folderOf(t), 'leaf.pem')
  writeFileSync(file, chain)
  return file
}

function openssl(...args: string[]): string {
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/** A key identifier as OpenSSL shows it. */
function identifier(of: 'Authority' | 'Subject', text: string): string | undefined {
  return new RegExp(`${of} Key Identifier: \\n\\s+([0-9A-F:]+)`).exec(text)?.[1]
}

const authorityError = (pattern: RegExp) => (error: unknown) =>
  error instanceof TurnpikeError && error.code === 'ERR_AUTHORITY' && pattern.test(error.message)

test('T9 the key is made here, its owner alone can read it, and git does not see it', async (t) => {
  const folder = join(folderOf(t), 'deep', 'ca')
  const before = process.umask(0)
  t.after(() => process.umask(before))
  await createAuthority(folder)
  assert.equal(statSync(folder).mode & 0o777, 0o700)
  for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
  assert.match(readFileSync(join(folder, '.gitignore'), 'utf8'), /^\*$/m)
  execFileSync('git', ['init', '-q'], { cwd: join(folder, '..') })
  assert.equal(execFileSync('git', ['status', '--porcelain'], { cwd: join(folder, '..'), encoding: 'utf8' }), '')
})

test('T9 the key is readable by its owner also where the umask takes that away', async (t) => {
  const folder = join(folderOf(t), 'ca')
  // In a process of its own: here it would meet other tests.
  const script = `process.umask(0o777 & ~0o300); const { createAuthority } = await import(process.argv[1]); await createAuthority(process.argv[2])`
  execFileSync(process.execPath, [
    '--input-type=module',
    '-e',
    script,
    join(import.meta.dirname, 'create-authority.ts'),
    folder,
  ])
  assert.equal(statSync(join(folder, 'authority-key.pem')).mode & 0o777, 0o600)
})

test('T9 a key that others can read is not used', async (t) => {
  const { folder } = await testAuthority(t)
  chmodSync(join(folder, 'authority-key.pem'), 0o640)
  await assert.rejects(openAuthority(folder), authorityError(/can be read by others.*chmod 600/))
})

test('what is there is never overwritten, and nothing is left behind', async (t) => {
  const { folder } = await testAuthority(t)
  const key = readFileSync(join(folder, 'authority-key.pem'), 'utf8')
  await assert.rejects(createAuthority(folder), authorityError(/not empty/))
  assert.equal(readFileSync(join(folder, 'authority-key.pem'), 'utf8'), key)
  assert.deepEqual(readdirSync(join(folder, '..')), ['ca'])
  const empty = join(folderOf(t), 'empty')
  mkdirSync(empty)
  await createAuthority(empty)
  assert.equal(statSync(empty).mode & 0o777, 0o700)
})

test('of two that make one folder at once, one wins', async (t) => {
  const folder = join(folderOf(t), 'ca')
  const results = await Promise.allSettled([createAuthority(folder), createAuthority(folder), createAuthority(folder)])
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  assert.deepEqual(readdirSync(join(folder, '..')), ['ca'])
  assert.ok((await openAuthority(folder)).permits('a.example'))
})

test('a folder without an authority, a broken one and a mixed one are refused by name', async (t) => {
  const none = join(folderOf(t), 'ca')
  await assert.rejects(openAuthority(none), authorityError(/turnpike ca init .*ca/))
  assert.equal(existsSync(none), false)
  const first = await testAuthority(t)
  const second = await testAuthority(t)
  writeFileSync(join(first.folder, 'authority.pem'), readFileSync(second.file))
  await assert.rejects(openAuthority(first.folder), authorityError(/its key is not that of its certificate/))
  const leaf = second.authority.issue(['a.example'], DAY_MS, Date.now())
  writeFileSync(join(first.folder, 'authority.pem'), leaf.chain)
  writeFileSync(join(first.folder, 'authority-key.pem'), leaf.key)
  await assert.rejects(openAuthority(first.folder), authorityError(/not one of an authority/))
  writeFileSync(join(first.folder, 'authority-key.pem'), 'sesame')
  await assert.rejects(openAuthority(first.folder), authorityError(/its key cannot be read/))
})

test('T6 a leaf as OpenSSL reads it: names, key, use, serial, whose it is, lifetime', async (t) => {
  const { authority, file } = await testAuthority(t)
  const now = Date.now()
  const issued = authority.issue(['www.example.com', '127.0.0.1', '2001:db8::1'], DAY_MS, now)
  const leaf = leafFile(t, issued.chain)
  assert.match(
    openssl(
      'verify',
      '-x509_strict',
      '-purpose',
      'sslserver',
      '-verify_hostname',
      'www.example.com',
      '-CAfile',
      file,
      leaf,
    ),
    /: OK/,
  )
  const text = openssl('x509', '-in', leaf, '-noout', '-text')
  assert.match(text, /DNS:www\.example\.com, IP Address:127\.0\.0\.1, IP Address:2001:DB8:0:0:0:0:0:1/)
  assert.match(text, /ASN1 OID: prime256v1/)
  assert.match(text, /TLS Web Server Authentication/)
  assert.match(text, /CA:FALSE/)
  const above = openssl('x509', '-in', file, '-noout', '-text')
  assert.notEqual(identifier('Subject', above), undefined)
  assert.equal(identifier('Authority', text), identifier('Subject', above))
  assert.match(above, /CA:TRUE, pathlen:0/)
  assert.match(above, /Certificate Sign, CRL Sign/)
  const certificate = new X509Certificate(issued.chain)
  assert.ok(Math.abs(certificate.validFromDate.getTime() - (now - 3_600_000)) < SECOND_MS)
  assert.ok(Math.abs(certificate.validToDate.getTime() - (now + DAY_MS)) < SECOND_MS)
  assert.equal(certificate.validToDate.getTime(), issued.expiresAt)
})

test('T6 no leaf is valid for more than 197 days, nor for longer than the authority', async (t) => {
  const { authority } = await testAuthority(t)
  const long = new X509Certificate(authority.issue(['a.example'], 1_000 * DAY_MS, Date.now()).chain)
  // Both ends are within.
  assert.equal(long.validToDate.getTime() - long.validFromDate.getTime() + SECOND_MS, 197 * DAY_MS)
  const late = authority.issue(['a.example'], 30 * DAY_MS, authority.expiresAt - DAY_MS)
  assert.equal(late.expiresAt, authority.expiresAt)
  assert.throws(() => authority.issue(['a.example'], DAY_MS, authority.expiresAt), authorityError(/ran out/))
})

test('T6 serial numbers are positive, and never the same', async (t) => {
  const { authority } = await testAuthority(t)
  const serials = Array.from(
    { length: 300 },
    () => new X509Certificate(authority.issue(['a.example'], DAY_MS, Date.now()).chain).serialNumber,
  )
  assert.equal(new Set(serials).size, 300)
  assert.ok(serials.every((serial) => /^[0-9A-F]{2,40}$/.test(serial) && !serial.startsWith('-')))
})

test('T6 names too long for a common name, and with an underscore, are valid; other texts are refused', async (t) => {
  const { authority, file } = await testAuthority(t)
  const long = `${'a'.repeat(60)}.${'b'.repeat(60)}.example`
  const leaf = leafFile(t, authority.issue([long, '_dmarc.a.example'], DAY_MS, Date.now()).chain)
  assert.match(openssl('verify', '-x509_strict', '-verify_hostname', long, '-CAfile', file, leaf), /: OK/)
  for (const name of ['', 'a b.example', 'käse.example', '*', 'a..b', 'x'.repeat(254), 'a\0b', 'a/b']) {
    assert.throws(() => authority.issue([name], DAY_MS, Date.now()), { code: 'ERR_LEAF_NAME' }, name)
  }
})

test('T6 GnuTLS takes the chain', async (t) => {
  if (!requireProgram(t, 'certtool')) return
  const { authority, file } = await testAuthority(t)
  const leaf = leafFile(t, authority.issue(['a.example'], DAY_MS, Date.now()).chain)
  const { stdout, status } = spawnSync(
    'certtool',
    ['--verify', '--load-ca-certificate', file, '--verify-hostname', 'a.example', '--infile', leaf],
    { encoding: 'utf8' },
  )
  assert.match(stdout, /Chain verification output: Verified/)
  assert.equal(status, 0)
})

test('an authority for some names alone is held to them by itself, OpenSSL and GnuTLS', async (t) => {
  const { authority, file, folder } = await testAuthority(t, { only: ['example.com', '10.0.0.0/8'] })
  assert.deepEqual(
    ['example.com', 'a.b.example.com', 'notexample.com', 'com', '10.1.2.3', '11.1.2.3', '::1', '2001:db8::1'].map(
      (name) => authority.permits(name),
    ),
    [true, true, false, false, true, false, false, false],
  )
  assert.throws(() => authority.issue(['evil.test'], DAY_MS, Date.now()), { code: 'ERR_LEAF_NAME' })
  const good = leafFile(t, authority.issue(['a.example.com', '10.1.2.3'], DAY_MS, Date.now()).chain)
  assert.match(openssl('verify', '-x509_strict', '-CAfile', file, good), /: OK/)
  // What somebody with the key could make by other means is worth nothing.
  for (const name of ['DNS:evil.test', 'IP:192.0.2.1', 'IP:2001:db8::1']) {
    const bad = join(folder, 'bad.pem')
    openssl(
      ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=x -keyout /dev/null'.split(
        ' ',
      ),
      '-out',
      bad,
      '-CA',
      file,
      '-CAkey',
      join(folder, 'authority-key.pem'),
      '-addext',
      `subjectAltName=${name}`,
      '-addext',
      'basicConstraints=CA:FALSE',
    )
    const { stdout, stderr, status } = spawnSync('openssl', ['verify', '-CAfile', file, bad], { encoding: 'utf8' })
    assert.notEqual(status, 0, name)
    assert.match(stdout + stderr, /permitted subtree violation|excluded subtree violation/, name)
  }
  await assert.rejects(createAuthority(join(folder, 'sub'), { only: ['no such/name'] }), RangeError)
})

test('an authority for addresses alone signs for no name', async (t) => {
  const { authority, file } = await testAuthority(t, { only: ['192.0.2.0/25', '2001:db8::/33'] })
  assert.deepEqual(
    ['192.0.2.127', '192.0.2.128', '2001:db8:7fff::1', '2001:db8:8000::1', 'a.example'].map((name) =>
      authority.permits(name),
    ),
    [true, false, true, false, false],
  )
  const leaf = leafFile(t, authority.issue(['192.0.2.1', '2001:db8::1'], DAY_MS, Date.now()).chain)
  assert.match(openssl('verify', '-x509_strict', '-CAfile', file, leaf), /: OK/)
})
