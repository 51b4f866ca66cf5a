import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { connect } from 'node:tls'
import { promisify } from 'node:util'
import type { ConfigInput } from '../../src/config/config.ts'
import { check } from '../../src/cli/check.ts'
import { run } from '../../src/cli/run.ts'
import { realWorld } from '../../src/engine/real-world.ts'
import type { World } from '../../src/engine/world.ts'
import { createTurnpike, type Turnpike } from '../../src/turnpike.ts'
import { testAuthority } from '../support/forward/authority.ts'
import { requireProgram } from '../support/peers/require-program.ts'

const execute = promisify(execFile)
const DAY_MS = 86_400_000

function listener(folder: string, names?: string[]): ConfigInput {
  return {
    listeners: {
      web: {
        address: '127.0.0.1:0',
        door: 'gateway',
        tls: { certificates: [{ authority: folder, ...(names && { names }) }] },
      },
    },
    gateway: { routes: [] },
    admin: 'off',
    log: { access: 'off' },
  }
}

async function started(
  t: TestContext,
  config: ConfigInput,
  world?: World,
): Promise<{ turnpike: Turnpike; port: number }> {
  const turnpike = await createTurnpike(config, world === undefined ? {} : { world })
  t.after(() => turnpike.stop(0))
  const address = turnpike.addresses.get('web')
  assert.ok(address?.kind === 'tcp')
  return { turnpike, port: address.port }
}

/** This one, with a clock that tests may move. */
function movedWorld(aheadMs: number): { world: World; clock: { aheadMs: number } } {
  const clock = { aheadMs }
  const world: World = Object.assign(Object.create(realWorld()), { wallClock: () => Date.now() + clock.aheadMs })
  return { world, clock }
}

/** What a client sees that trusts the authority; rejects where it does not take the certificate. */
async function seen(port: number, ca: string, servername?: string) {
  const socket = connect({ port, host: '127.0.0.1', ca, ...(servername !== undefined && { servername }) })
  await once(socket, 'secureConnect')
  const certificate = socket.getPeerX509Certificate()!
  socket.destroy()
  return certificate
}

test('T6 a listener takes its certificate from a local authority, for the names of this machine', async (t) => {
  if (!requireProgram(t, 'curl')) return
  const { folder, file, authority } = await testAuthority(t)
  const { port } = await started(t, listener(folder))
  const { subjectAltName } = await seen(port, authority.certificate, 'localhost')
  assert.match(subjectAltName!, /DNS:localhost, IP Address:127\.0\.0\.1, IP Address:0:0:0:0:0:0:0:1/)
  if (/^[a-z0-9-]+$/.test(hostname())) assert.match(subjectAltName!, new RegExp(`DNS:${hostname()}`))
  for (const host of ['localhost', '127.0.0.1']) {
    const args = ['-sS', '-o', '/dev/null', '-w', '%{http_code}', '--noproxy', '*', '--cacert', file]
    const { stdout } = await execute('curl', [...args, `https://${host}:${port}/`])
    assert.equal(stdout, '404')
  }
})

test('T6 a listener renews the certificate of its authority by itself, and keeps it over a reload', async (t) => {
  const { folder, authority } = await testAuthority(t)
  const { world, clock } = movedWorld(-DAY_MS - 60_000)
  const config = listener(folder, ['a.example'])
  const { turnpike, port } = await started(t, config, world)
  const first = await seen(port, authority.certificate, 'a.example')
  assert.equal((await turnpike.reload({ ...config, trustedProxies: ['10.0.0.0/8'] })).result, 'applied')
  assert.equal((await seen(port, authority.certificate, 'a.example')).serialNumber, first.serialNumber)
  clock.aheadMs = -120_000
  assert.equal((await seen(port, authority.certificate, 'a.example')).serialNumber, first.serialNumber)
  clock.aheadMs = 0
  const second = await seen(port, authority.certificate, 'a.example')
  assert.notEqual(second.serialNumber, first.serialNumber)
  assert.ok(second.validToDate.getTime() >= first.validToDate.getTime() + DAY_MS)
  assert.equal(second.subjectAltName, first.subjectAltName)
})

test('T10 a ticket does not outlive the certificate that it was made under', async (t) => {
  const { folder, authority } = await testAuthority(t)
  const { world, clock } = movedWorld(-DAY_MS - 60_000)
  const { port } = await started(t, listener(folder, ['a.example']), world)
  const open = (session?: Buffer) => {
    const given = { port, host: '127.0.0.1', ca: authority.certificate, servername: 'a.example' }
    const socket = connect({ ...given, ...(session && { session }) })
    t.after(() => socket.destroy())
    return socket.resume()
  }
  const resumes = async (session: Buffer) => {
    const socket = open(session)
    await once(socket, 'secureConnect')
    return socket.isSessionReused()
  }
  const [session]: Buffer[] = await once(open(), 'session')
  assert.equal(await resumes(session!), true)
  clock.aheadMs = 0
  assert.equal(await resumes(session!), false)
})

test('a listener whose authority is missing, or may not sign for a name, does not start, and says why', async (t) => {
  const { folder } = await testAuthority(t, { only: ['example.com'] })
  await assert.rejects(createTurnpike(listener(`${folder}-none`)), {
    code: 'ERR_AUTHORITY',
    message: /turnpike ca init .*ca-none/,
  })
  await assert.rejects(createTurnpike(listener(folder, ['other.test'])), {
    code: 'ERR_LEAF_NAME',
    message: /other\.test/,
  })
})

test('`check` points at authorities that are still to be made; `run` refuses', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-authority-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(
    join(folder, 'turnpike.yaml'),
    `listeners:
  egress: { address: "127.0.0.1:0", door: forward, tls: { certificates: [{ authority: ca-tls }] } }
forward:
  rules: [{ match: { sni: a.example }, intercept: true }]
  intercept: { authority: ./ca }
admin: off
`,
  )
  let printed = ''
  const out = { write: (text: string) => (printed += text) }
  const io = { stdout: out, stderr: out, cwd: folder, env: {} }
  assert.equal(await check([], io), 0)
  assert.match(
    printed,
    /^turnpike.yaml:2:\d+: listeners\.egress\.tls\.certificates\[0\]\.authority: there is no authority yet: `turnpike ca init .*ca-tls` makes it \[ERR_CONFIG_LINT\]$/m,
  )
  assert.match(
    printed,
    /^turnpike.yaml:5:\d+: forward\.intercept\.authority: there is no authority yet: `turnpike ca init .*\/ca` makes it \[ERR_CONFIG_LINT\]$/m,
  )
  printed = ''
  assert.equal(await run([], io), 1)
  assert.match(printed, /ERR_AUTHORITY: There is no authority in .*\/ca: `turnpike ca init .*\/ca` makes one\./)
})

test('T6 a leaf lifetime above 197 days is a fault of the config', async () => {
  await assert.rejects(
    createTurnpike({
      listeners: { web: { address: '127.0.0.1:0', door: 'forward' } },
      forward: { intercept: { authority: './ca', leafLifetime: '4729h' } },
    }),
    { code: 'ERR_CONFIG_INVALID', message: /197 days/ },
  )
})
