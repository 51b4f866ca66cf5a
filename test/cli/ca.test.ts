import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { ca } from '../../src/cli/ca.ts'
import { trustPlans, type TrustSubject } from '../../src/cli/trust-stores.ts'
import { openAuthority } from '../../src/certs/open-authority.ts'
import { asNobody } from '../support/nobody.ts'
import { requireProgram } from '../support/peers/require-program.ts'

const main = join(import.meta.dirname, '../../src/cli/main.ts')

function shell(t: TestContext, env: Record<string, string> = {}) {
  const cwd = mkdtempSync(join(tmpdir(), 'turnpike-ca-'))
  t.after(() => rmSync(cwd, { recursive: true, force: true }))
  const said = { out: '', err: '', bytes: Buffer.alloc(0) }
  const run = async (...args: string[]): Promise<number> => {
    Object.assign(said, { out: '', err: '' })
    return ca(args, {
      stdout: {
        write: (text) => {
          if (typeof text === 'string') said.out += text
          else said.bytes = Buffer.from(text)
        },
      },
      stderr: { write: (text) => (said.err += text) },
      cwd,
      env: { PATH: process.env['PATH'], HOME: cwd, ...env },
    })
  }
  return { cwd, said, run }
}

test('T9 `ca init` makes an authority, says how it is known, and overwrites nothing', async (t) => {
  const { cwd, said, run } = shell(t)
  assert.equal(await run('init'), 0)
  const { fingerprint256 } = new X509Certificate(readFileSync(join(cwd, 'ca/authority.pem')))
  assert.ok(said.out.includes(fingerprint256), said.out)
  assert.match(said.out, /signs for +every name/)
  assert.equal(statSync(join(cwd, 'ca/authority-key.pem')).mode & 0o777, 0o600)
  assert.ok((await openAuthority(join(cwd, 'ca'))).permits('any.example'))
  assert.equal(await run('init'), 1)
  assert.match(said.err, /not empty, and nothing is overwritten/)
  assert.equal(new X509Certificate(readFileSync(join(cwd, 'ca/authority.pem'))).fingerprint256, fingerprint256)
  assert.equal(await run('init', 'deep/other', '--only', 'example.com', '--only', '10.0.0.0/8', '--name', 'Ours'), 0)
  const other = await openAuthority(join(cwd, 'deep/other'))
  assert.deepEqual([other.name, other.permits('a.example.com'), other.permits('a.test')], ['Ours', true, false])
})

test('T9 `ca export` prints the certificate in either form, and never the key', async (t) => {
  const { cwd, said, run } = shell(t)
  await run('init')
  assert.equal(await run('export'), 0)
  assert.equal(said.out, readFileSync(join(cwd, 'ca/authority.pem'), 'utf8'))
  assert.doesNotMatch(said.out, /PRIVATE/)
  assert.equal(await run('export', 'ca', '--format', 'der'), 0)
  assert.equal(new X509Certificate(said.bytes).toString(), readFileSync(join(cwd, 'ca/authority.pem'), 'utf8'))
  // The key need not be there for it.
  rmSync(join(cwd, 'ca/authority-key.pem'))
  assert.equal(await run('export'), 0)
})

test('`ca` ends with 1 where there is no authority, and with 2 for wrong usage', async (t) => {
  const { said, run } = shell(t)
  for (const args of [['export'], ['trust', 'none', '--dry-run']]) {
    assert.equal(await run(...args), 1)
    assert.match(said.err, /There is no authority in .*: `turnpike ca init .*` makes one/)
  }
  for (const args of [
    [],
    ['int'],
    ['init', 'a', 'b'],
    ['init', '--only', 'a b'],
    ['export', '--format', 'p7b'],
    ['trust', '--store', 'x'],
  ])
    assert.equal(await run(...args), 2, args.join(' '))
  assert.equal(await run('--help'), 0)
  assert.match(said.out, /init +make one/)
})

test('`ca trust --store nss` makes the store of Chromium, fills those of Firefox, and takes the authority out again', async (t) => {
  if (!requireProgram(t, 'certutil')) return
  const { cwd, said, run } = shell(t)
  const databases = [join(cwd, '.pki/nssdb'), join(cwd, '.mozilla/firefox/x.default')]
  mkdirSync(databases[1]!, { recursive: true })
  execFileSync('certutil', ['-N', '--empty-password', '-d', `sql:${databases[1]}`])
  await run('init')
  assert.equal(await run('trust', '--store', 'nss', '--dry-run'), 0)
  assert.match(said.out, /certutil -A -d sql:.*\.pki\/nssdb -t C,, -n turnpike-[0-9a-f]{16} -i .*authority\.pem/)
  assert.equal(existsSync(databases[0]!), false)
  const listed = () =>
    databases.map((each) => execFileSync('certutil', ['-L', '-d', `sql:${each}`], { encoding: 'utf8' }))
  // A second time changes nothing.
  for (let time = 0; time < 2; time++) assert.equal(await run('trust', '--store', 'nss'), 0, said.err)
  for (const list of listed()) assert.match(list, /^turnpike-[0-9a-f]{16} +C,, *$/m)
  for (let time = 0; time < 2; time++) assert.equal(await run('trust', '--store', 'nss', '--remove'), 0, said.err)
  for (const list of listed()) assert.doesNotMatch(list, /turnpike-/)
})

test('`ca trust` says why a store could not be changed, and ends with 1', async (t) => {
  const { cwd, said, run } = shell(t)
  await run('init')
  const programs = join(cwd, 'programs')
  mkdirSync(programs)
  writeFileSync(join(programs, 'keytool'), '#!/bin/sh\necho "keytool error: Permission denied" >&2\nexit 1\n')
  chmodSync(join(programs, 'keytool'), 0o755)
  const failing = shell(t, { PATH: `${programs}:${process.env['PATH']}` })
  assert.equal(await failing.run('trust', join(cwd, 'ca'), '--store', 'java'), 1)
  assert.match(failing.said.err, /the store of Java: keytool error: Permission denied/)
  assert.equal(failing.said.out, '')
  const nothing = shell(t, { PATH: '' })
  assert.equal(await nothing.run('trust', join(cwd, 'ca'), '--store', 'java'), 1)
  assert.match(nothing.said.err, /there is no java store here/)
  assert.equal(said.err, '')
})

const ours = (more: string) => `${process.execPath} ${main} ca trust ca --store java ${more}`

/** Where a test may change what the machine trusts without changing the machine. */
const folders = ['/etc/ssl', '/usr/local/share/ca-certificates']

test("`ca trust` puts the authority into Debian's store and that of Java, where OpenSSL and Java find it, and takes it out", async (t) => {
  if (!requireProgram(t, 'update-ca-certificates', 'unshare', 'openssl', 'keytool')) return
  if (spawnSync('unshare', ['-m', 'mount', '--bind', '/tmp', '/mnt']).status !== 0)
    return t.skip('mounts of its own are not permitted here')
  const { cwd, run } = shell(t)
  await run('init')
  const { chain } = (await openAuthority(join(cwd, 'ca'))).issue(['a.example'], 86_400_000, Date.now())
  writeFileSync(join(cwd, 'leaf.pem'), chain)
  const script = [
    'set -e',
    ...folders.flatMap((folder, at) => [
      `mkdir -p ${folder}`,
      `cp -a ${folder} copy${at}`,
      `mount --bind copy${at} ${folder}`,
    ]),
    'look() { openssl verify -CApath /etc/ssl/certs leaf.pem >/dev/null 2>&1 && echo OpenSSL; grep -qF "$(sed -n 3p ca/authority.pem)" /etc/ssl/certs/ca-certificates.crt && echo bundle; keytool -list -cacerts -storepass changeit 2>/dev/null | grep -q turnpike- && echo Java; true; }',
    'echo before:; look',
    ours('--store system'),
    ours(''),
    'echo between:; look',
    ours('--store system --remove'),
    ours('--remove'),
    'echo after:; look',
  ]
  const { stdout, stderr, status } = spawnSync('unshare', ['-m', 'bash', '-c', script.join('\n')], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, INIT_CWD: cwd, HOME: cwd },
  })
  assert.equal(status, 0, stdout + stderr)
  assert.equal(stdout.replaceAll(/^the.*\n/gm, ''), 'before:\nbetween:\nOpenSSL\nbundle\nJava\nafter:\n')
  assert.equal(stdout.match(/: trusts it$/gm)?.length, 3)
  assert.equal(stdout.match(/: no longer trusts it$/gm)?.length, 3)
})

test('`ca trust` without root says what to run as root', async (t) => {
  if (!requireProgram(t, 'setpriv', 'update-ca-certificates')) return
  if (process.getuid?.() !== 0) return t.skip('only root can become somebody else')
  const { cwd, run } = shell(t)
  await run('init')
  execFileSync('chown', ['-R', '65534:65534', cwd])
  const args = [...asNobody, process.execPath, main, 'ca', 'trust', '--store', 'system']
  const { stderr, status } = spawnSync('setpriv', args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, INIT_CWD: cwd, HOME: cwd },
  })
  assert.equal(status, 1, stderr)
  assert.match(stderr, /it is root's to change:\n {2}sudo turnpike ca trust ca --store system$/m)
})

const subject: TrustSubject = {
  platform: 'linux',
  home: '/home/none',
  has: () => false,
  file: '/x/authority.pem',
  label: 'turnpike-0123456789abcdef',
  serial: '0A',
  sha256: 'AB'.repeat(32),
  remove: false,
}

const fedora = (program: string) => program === 'update-ca-trust'

test('what other systems are told is what their documentation asks for, and is marked as untested', () => {
  const system = (more: Partial<TrustSubject>) => {
    const plan = trustPlans({ ...subject, ...more })[0]!
    assert.equal(plan.untested, true)
    return { root: plan.root, steps: plan.steps.map((step) => ('run' in step ? step.run.join(' ') : step)) }
  }
  const path = '/etc/pki/ca-trust/source/anchors/turnpike-0123456789abcdef.pem'
  assert.deepEqual(system({ has: fedora }), { root: true, steps: [{ write: path }, 'update-ca-trust extract'] })
  assert.deepEqual(system({ has: fedora, remove: true }), {
    root: true,
    steps: [{ remove: path }, 'update-ca-trust extract'],
  })
  const keychain = '/home/none/Library/Keychains/login.keychain-db'
  assert.deepEqual(system({ platform: 'darwin' }), {
    root: false,
    steps: [`security add-trusted-cert -r trustRoot -k ${keychain} /x/authority.pem`],
  })
  assert.deepEqual(system({ platform: 'darwin', remove: true }).steps, [
    'security remove-trusted-cert /x/authority.pem',
    `security delete-certificate -Z ${'AB'.repeat(32)}`,
  ])
  assert.deepEqual(system({ platform: 'win32' }).steps, ['certutil -user -addstore Root /x/authority.pem'])
  assert.deepEqual(system({ platform: 'win32', remove: true }).steps, ['certutil -user -delstore Root 0A'])
  assert.deepEqual(trustPlans(subject), [])
})
