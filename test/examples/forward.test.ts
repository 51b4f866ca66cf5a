import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttp, type IncomingMessage } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { connect, type Server } from 'node:net'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { connect as connectTls, getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { openAuthority } from '../../src/certs/open-authority.ts'
import { loadConfig } from '../../src/config/load.ts'
import { Turnpike } from '../../src/turnpike.ts'
import { standInWorld } from '../support/forward/stand-in-world.ts'
import { assertLedgerBaseline } from '../support/gateway.ts'
import { portOf } from '../support/peers/free-port.ts'
import { requireProgram } from '../support/peers/require-program.ts'

const examples = path.resolve(import.meta.dirname, '../../examples')
const run = promisify(execFile)
const corporate = '93.184.216.10'
const names = {
  'proxy.corp.example': [corporate],
  'wiki.internal.example': ['10.1.2.5'],
  'metadata.internal.example': ['169.254.169.254'],
  'secrets.internal.example': ['10.9.9.9'],
}

async function listening<T extends Server>(t: TestContext, server: T): Promise<T> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return server
}

/** What stands for the corporate proxy: leads every tunnel to one service, and notes what was asked for. */
async function startParent(t: TestContext, servicePort: number) {
  const asked: { target: string; login: string }[] = []
  const note = ({ method, url = '', headers }: IncomingMessage) =>
    asked.push({ target: `${method} ${url}`, login: headers['proxy-authorization'] ?? '' })
  const server = await listening(
    t,
    createHttp((request, response) => {
      note(request)
      response.end('by the parent\n')
    }),
  )
  server.on('connect', (request, client, head) => {
    note(request)
    const target = connect(servicePort, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      target.write(head)
      target.pipe(client).pipe(target)
    })
    client.on('error', () => target.destroy()).on('close', () => target.destroy())
    target.on('error', () => client.destroy()).on('close', () => client.destroy())
  })
  return { asked, port: portOf(server) }
}

/** A TLS connection to this machine, or why there is none. */
function shakeHands(port: number, servername: string, ca: string): Promise<TLSSocket | Error> {
  return new Promise((resolve) => {
    const socket = connectTls({ port, host: '127.0.0.1', servername, ca })
    socket.on('error', resolve).on('secureConnect', () => resolve(socket))
  })
}

test('examples/forward runs as it stands, with stand-ins for the names in it', async (t) => {
  if (!requireProgram(t, 'curl') || !requireProgram(t, 'npm')) return
  const folder = mkdtempSync(path.join(examples, '.test-'))
  t.after(() => rmSync(folder, { recursive: true }))
  cpSync(path.join(examples, 'forward'), folder, { recursive: true })
  execFileSync(path.join(folder, 'setup.sh'), { stdio: 'pipe' })

  // Services of the outside, whose authority this process trusts as the machine's.
  execFileSync(process.execPath, [
    path.join(examples, '../src/cli/main.ts'),
    'ca',
    'init',
    path.join(folder, 'outside'),
  ])
  const outside = await openAuthority(path.join(folder, 'outside'))
  const served = ['api.partner.example', 'new.example', 'wiki.internal.example', 'plain.example']
  const { chain, key } = outside.issue(served, 86_400_000, Date.now())
  setDefaultCACertificates([...getCACertificates('default'), outside.certificate])
  const seen: IncomingMessage[] = []
  const service = await listening(
    t,
    createHttps({ cert: chain, key }, (request, response) => {
      seen.push(request)
      response.setHeader('set-cookie', 'sid=sesame')
      response.end('from the service\n')
    }),
  )
  const parent = await startParent(t, portOf(service))
  const { world, dialled } = standInWorld({
    names,
    places: {
      [`${corporate}:3128`]: parent.port,
      '10.1.2.5:443': portOf(service),
      '10.1.2.5:8443': portOf(service),
      '10.1.2.5:22': portOf(service),
    },
  })

  // The one thing that is changed: ports that may be taken here.
  const file = path.join(folder, 'turnpike.yaml')
  const text = readFileSync(file, 'utf8')
  assert.ok(text.includes('127.0.0.1:3128') && text.includes('127.0.0.1:8444'))
  writeFileSync(file, text.replace('127.0.0.1:3128', '127.0.0.1:0').replace('127.0.0.1:8444', '127.0.0.1:0'))
  const loaded = await loadConfig('turnpike.yaml', { cwd: folder, env: {} })
  assert.deepEqual(loaded.warnings, [])
  const turnpike = await Turnpike.start(
    { ...loaded, config: { ...loaded.config, log: { ...loaded.config.log, access: null }, admin: null } },
    { world, logger: { error() {}, warn() {}, info() {}, debug() {} } },
  )
  t.after(async () => {
    await turnpike.stop()
    await assertLedgerBaseline(turnpike)
  })
  const portAt = (name: string) => {
    const address = turnpike.addresses.get(name)!
    return address.kind === 'tcp' ? address.port : 0
  }
  const proxy = `http://alice:wonderland@127.0.0.1:${portAt('egress')}`
  const curl = async (...args: string[]) => {
    const common = ['-sS', '--noproxy', '', '--max-time', '10', '-w', '\n%{http_code} %{http_connect}', '-x', proxy]
    return run('curl', [...common, ...args]).then(
      ({ stdout }) => stdout,
      (error: { stdout: string }) => error.stdout,
    )
  }
  const trusted = ['--cacert', path.join(folder, 'outside/authority.pem')]
  const own = ['--cacert', path.join(folder, 'ca/authority.pem')]

  await t.test('auth: nobody but alice, and her password goes no further', async () => {
    const stranger = await run('curl', [
      '-sS',
      '--noproxy',
      '',
      '-o',
      '/dev/null',
      '-w',
      '%{http_code}',
      '-x',
      `http://127.0.0.1:${portAt('egress')}`,
      'http://plain.example/',
    ])
    assert.equal(stranger.stdout, '407')
    assert.equal(await curl('http://plain.example/'), 'by the parent\n\n200 000')
    const { target, login } = parent.asked.at(-1)!
    assert.equal(target, 'GET http://plain.example/')
    assert.equal(login, `Basic ${btoa('turnpike:the password that the corporate proxy wants')}`)
  })

  await t.test(
    'default: through the corporate proxy, and what is not looked into has its own certificate',
    async () => {
      assert.match(await curl(...trusted, 'https://plain.example/'), /from the service\n\n200 200/)
      assert.equal(parent.asked.at(-1)!.target, 'CONNECT plain.example:443')
    },
  )

  await t.test('connectPorts', async () => {
    assert.match(await curl(...trusted, 'https://wiki.internal.example:8443/'), /200 200$/)
    assert.match(await curl('https://wiki.internal.example:22/'), /000 403$/)
  })

  await t.test('rules: deny, direct, redirectTo', async () => {
    const before = parent.asked.length
    assert.match(await curl('http://x.ads.example/'), /ERR_RULE_DENIED[^]*403 000$/)
    assert.match(await curl(...trusted, 'https://wiki.internal.example/'), /from the service\n\n200 200/)
    assert.equal(parent.asked.length, before, 'neither needs the parent')
    assert.match(await curl('-k', 'https://legacy.example/'), /200 200$/)
    assert.equal(parent.asked.at(-1)!.target, 'CONNECT new.example:443')
  })

  await t.test('guard: what is allowed is reached, what is private or denied is never dialled', async () => {
    assert.match(await curl('https://metadata.internal.example/'), /000 403$/)
    assert.match(await curl('https://secrets.internal.example/'), /000 403$/)
    assert.deepEqual(
      dialled.filter((address) => /^(?:169\.254|10\.9)/.test(address)),
      [],
    )
  })

  await t.test('intercept: one name, its requests pass no-tracking', async () => {
    const url = 'https://api.partner.example/v1?token=sesame'
    assert.match(
      await curl(...own, '-e', 'http://where.example/', '-H', 'Authorization: Bearer sesame', url),
      /200 200$/,
    )
    const request = seen.at(-1)!
    assert.equal(request.headers.referer, undefined)
    assert.equal(request.headers.authorization, 'Bearer sesame')
    assert.equal(parent.asked.at(-1)!.target, 'CONNECT api.partner.example:443')
  })

  await t.test('mode sni: raw TLS is routed by its ClientHello', async () => {
    const socket = await shakeHands(portAt('transparent'), 'wiki.internal.example', outside.certificate)
    assert.ok(!(socket instanceof Error), 'it shakes hands')
    assert.equal(socket.authorized, true)
    socket.destroy()
    const refused = await shakeHands(portAt('transparent'), 'x.ads.example', outside.certificate)
    assert.ok(refused instanceof Error)
    assert.match(refused.message, /alert/)
  })

  await t.test('record: what was looked into, without secrets', async () => {
    await turnpike.stop()
    const har = readFileSync(path.join(folder, 'flows.har'), 'utf8')
    const { log }: { log: { entries: { request: { url: string } }[] } } = JSON.parse(har)
    const urls = log.entries.map(({ request }) => request.url)
    assert.ok(
      urls.some((url) => url.startsWith('https://api.partner.example/v1')),
      urls.join(' '),
    )
    assert.doesNotMatch(har, /sesame|wonderland|corporate proxy wants/)
  })
})
