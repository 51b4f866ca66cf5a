import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { serveRaw } from '../parents/serve-raw.ts'
import { proxyYaml, runClient, startFromYaml, startSites, type Sites } from '../support/forward/client-sites.ts'
import { connectHead, takeGrant } from '../support/forward/open-tunnel.ts'
import { startForward } from '../support/forward/start-forward.ts'
import type { TestGateway } from '../support/gateway.ts'
import { startDante, startSquid, startTinyproxy } from '../support/peers/parents.ts'
import { requireProgram } from '../support/peers/require-program.ts'

const login = { username: 'alice', password: 'sesame' }

/** Turnpike, Squid, tinyproxy, Dante, and Turnpike again, which alone knows the sites. */
async function startChain(t: TestContext, sites: Sites) {
  const last = await startFromYaml(t, proxyYaml(sites, 'auth: { basic: { users: { bob: "letme in" } } }'))
  const [squid, tinyproxy, dante] = await Promise.all([startSquid(t), startTinyproxy(t, login), startDante(t)])
  const first = await startFromYaml(
    t,
    `
listeners:
  web: { address: "127.0.0.1:0", door: forward }
parents:
  squid: { url: "http://127.0.0.1:${squid.port}" }
  tinyproxy: { url: "http://127.0.0.1:${tinyproxy.port}", username: alice, password: sesame }
  dante: { url: "socks5://127.0.0.1:${dante.port}" }
  last: { url: "http://127.0.0.1:${last.port}", username: bob, password: letme in }
forward:
  auth: { basic: { users: { carol: sesame } } }
  connectPorts: [80, 443]
  default: { via: [squid, tinyproxy, dante, last] }
`,
  )
  return { first, last, squid, tinyproxy, dante }
}

describe('parents in a chain: Turnpike, Squid, tinyproxy, Dante, Turnpike', () => {
  for (const scheme of ['http', 'socks5h']) {
    test(`with a login at each that has one, from curl by ${scheme}://`, async (t) => {
      for (const program of ['curl', 'squid', 'tinyproxy', 'danted']) if (!requireProgram(t, program)) return
      const sites = await startSites(t)
      const { first, last, tinyproxy, dante } = await startChain(t, sites)
      for (const url of ['http://plain.example/', 'https://secure.example/']) {
        const { stdout, stderr } = await runClient(t, [
          ...(['curl', '-sS', '--max-time', '20', '--cacert', sites.authority.certFile] as const),
          '-x',
          `${scheme}://carol:sesame@127.0.0.1:${first.port}`,
          url,
        ])
        assert.equal(stdout, 'GET /\n', stderr)
      }
      assert.ok(tinyproxy.accessLog().some((line) => line.includes(`CONNECT 127.0.0.1:${dante.port}`)))
      // Connections through parents are kept for the next request.
      await first.turnpike.stop(0)
      await last.when(() => last.log.some(({ method }) => method === 'CONNECT'), 'a tunnel to have ended')
      assert.ok(first.log.every(({ user, status }) => user === 'carol' && status === 200))
      assert.ok(last.log.every(({ user, status }) => user === 'bob' && status === 200))
    })
  }

  test('one that dies under an open tunnel ends it on both sides', async (t) => {
    for (const program of ['squid', 'tinyproxy', 'danted']) if (!requireProgram(t, program)) return
    const sites = await startSites(t, (_request, response) => {
      // Without an end: it goes on for as long as somebody reads.
      response.write('begun')
    })
    const { first, last, tinyproxy } = await startChain(t, sites)
    const client = await first.connect()
    client.send(connectHead('plain.example:80', `Proxy-Authorization: Basic ${btoa('carol:sesame')}\r\n`))
    await takeGrant(client)
    client.send('GET / HTTP/1.1\r\nHost: plain.example\r\n\r\n')
    await client.until(({ text }) => text.includes('begun'), 'the reply to begin')
    process.kill(tinyproxy.pid, 'SIGKILL')
    await client.over()
    // F4: an end is one of a direction.
    client.end()
    await first.when(() => first.count('tunnels') === 0, 'the tunnel to be gone')
    await last.when(() => last.count('tunnels') === 0, 'the tunnel to be gone on the other side')
  })
})

/** What a parent does with a connection. */
type Dying = (socket: Socket) => void

const onQuestion =
  (then: Dying): Dying =>
  (socket) =>
    socket.once('data', () => then(socket))

const phases: [when: string, parent: Dying | null, causes: RegExp][] = [
  ['before it is there', null, /^ERR_CONNECT_REFUSED$/],
  ['on accepting', (socket) => socket.resetAndDestroy(), /^ERR_PARENT_PROTOCOL$|^ERR_CONNECT_FAILED$/],
  ['on being asked', onQuestion((socket) => socket.resetAndDestroy()), /^ERR_PARENT_PROTOCOL$/],
  ['within its answer', onQuestion((socket) => socket.end('HTTP/1.1 20')), /^ERR_PARENT_PROTOCOL$/],
  ['without a word', onQuestion(() => {}), /^ERR_CONNECT_TIMEOUT$/],
]

async function behind(t: TestContext, parent: Dying | null): Promise<TestGateway> {
  const port = parent === null ? 1 : await serveRaw(t, parent)
  return await startForward(
    t,
    { default: { via: 'p' }, timeouts: { connect: '400ms' } },
    { config: { parents: { p: { url: `http://127.0.0.1:${port}` } } } },
  )
}

describe('a parent that dies', () => {
  for (const [when, parent, causes] of phases) {
    test(`${when}: CONNECT gets a 5xx that says so, SOCKS5 a code`, async (t) => {
      const proxy = await behind(t, parent)
      const http = await proxy.connect()
      http.send(connectHead('a.example:443'))
      const reply = await http.reply()
      assert.ok(reply.status === 502 || reply.status === 504, reply.line)
      assert.match(reply.field('proxy-status') ?? '', /error=/)
      const socks = await proxy.connect()
      socks.send(Buffer.from([5, 1, 0]))
      await socks.until(({ text }) => text.length >= 2, 'the method')
      socks.send(Buffer.concat([Buffer.from([5, 1, 0, 3, 9]), Buffer.from('a.example'), Buffer.from([1, 187])]))
      await socks.until(({ text }) => text.length >= 12, 'the reply')
      // S2: never "succeeded".
      assert.ok([1, 3, 4, 5, 6].includes(socks.text.charCodeAt(3)), `reply ${socks.text.charCodeAt(3)}`)
      const lines = await proxy.logged(2)
      for (const { cause } of lines) assert.match(String(cause), causes)
    })
  }

  test('within a tunnel: what came is passed on, and then the end', async (t) => {
    const proxy = await behind(
      t,
      onQuestion((socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        socket.once('data', () => socket.end('half an answ'))
      }),
    )
    const client = await proxy.connect()
    client.send(connectHead('a.example:443'))
    await takeGrant(client)
    client.send('question')
    await client.until(({ text }) => text === 'half an answ', 'what came')
    await client.over()
    client.end()
    await proxy.logged(1)
  })

  test('before and within the reply to a plain request', async (t) => {
    const silent = await behind(
      t,
      onQuestion((socket) => socket.end()),
    )
    const first = await silent.connect()
    first.send('GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n')
    assert.equal((await first.reply()).status, 502)
    const cutting = await behind(
      t,
      onQuestion((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')),
    )
    const second = await cutting.connect()
    second.send('GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n')
    await second.until(({ text }) => text.endsWith('half'), 'what came')
    await second.over()
    assert.match(String((await cutting.logged(1))[0]!.cause), /^ERR_/)
  })
})
