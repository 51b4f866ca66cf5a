import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import { runInNewContext } from 'node:vm'
import { describe, test } from 'node:test'
import { testCertificate } from '../support/certificates.ts'
import { plainRequest } from '../support/forward/plain-request.ts'
import { startForward } from '../support/forward/start-forward.ts'
import type { TestGateway } from '../support/gateway.ts'
import type { Message } from '../support/message.ts'
import { connectHead } from '../support/forward/open-tunnel.ts'
import { ask } from '../support/raw-client.ts'
import { RawPeer } from '../support/raw-peer.ts'

function page(proxy: TestGateway, path: string, host = `127.0.0.1:${proxy.port}`, method = 'GET'): Promise<Message> {
  return ask(proxy.port, `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, method)
}

/** What a browser that evaluates the file is told of a URL. */
function evaluate(pac: string, url: string): string {
  const host = new URL(url).hostname
  return String(runInNewContext(`${pac}\nFindProxyForURL(${JSON.stringify(url)}, ${JSON.stringify(host)})`, {}))
}

function causeOf(reply: Message): string {
  return /details="(\w+)"/.exec(reply.field('proxy-status') ?? '')?.[1] ?? ''
}

describe('what names no other host', () => {
  test('F5 the PAC file leads browsers to the proxy, as they have reached it', async (t) => {
    const proxy = await startForward(t, { pac: { direct: ['Intra.example', '*.corp.example', '10.1.2.3', '::2'] } })
    for (const path of ['/proxy.pac', '/wpad.dat', '/proxy.pac?now=1']) {
      const reply = await page(proxy, path, 'Proxy.Test:3128')
      assert.deepEqual([reply.status, reply.field('content-type')], [200, 'application/x-ns-proxy-autoconfig'])
      const all = 'PROXY proxy.test:3128; SOCKS5 proxy.test:3128'
      for (const [url, way] of [
        ['http://a.example/', all],
        ['https://a.example:8443/x', all],
        ['http://192.0.2.1/', all],
        ['http://[2001:db8::1]/', all],
        ['http://corp.example/', all],
        ['http://xcorp.example/', all],
        ['http://notlocalhost.example/', all],
        ['http://127.0.0.1.example/', all],
        ['http://intra.example/', 'DIRECT'],
        ['http://intra.example./', 'DIRECT'],
        ['http://a.b.corp.example/', 'DIRECT'],
        ['http://10.1.2.3/', 'DIRECT'],
        ['http://[::2]/', 'DIRECT'],
        ['http://printer/', 'DIRECT'],
        ['http://localhost:8080/', 'DIRECT'],
        ['http://app.localhost/', 'DIRECT'],
        ['http://127.9.8.7/', 'DIRECT'],
        ['http://[::1]/', 'DIRECT'],
      ] as const)
        assert.equal(evaluate(reply.body, url), way, url)
    }
    for (const [host, address] of [
      ['proxy.test', 'proxy.test:80'],
      ['[::1]:3128', '[::1]:3128'],
      [`127.0.0.1:${proxy.port}`, `127.0.0.1:${proxy.port}`],
    ] as const) {
      const { body } = await page(proxy, '/proxy.pac', host)
      assert.equal(evaluate(body, 'http://a.example/'), `PROXY ${address}; SOCKS5 ${address}`)
    }
  })

  test('F5 what the config says of its host is what the PAC file has; `*` is everything', async (t) => {
    const proxy = await startForward(t, { pac: { host: 'egress.example:8080' } })
    const { body } = await page(proxy, '/proxy.pac', 'other.test:1')
    assert.equal(evaluate(body, 'http://a.example/'), 'PROXY egress.example:8080; SOCKS5 egress.example:8080')
    const none = await startForward(t, { pac: { direct: ['*'] } })
    assert.equal(evaluate((await page(none, '/wpad.dat')).body, 'http://a.example/'), 'DIRECT')
  })

  test('F5 browsers fetch it without a login, by TLS where that is spoken, and need no login by SOCKS', async (t) => {
    const server = testCertificate({ subject: 'proxy.test', names: ['DNS:proxy.test'] })
    const proxy = await startForward(
      t,
      { auth: { basic: { users: { alice: 'secret' } } } },
      { listener: { tls: { certificates: [{ cert: server.certFile, key: server.keyFile }] } } },
    )
    const socket = connectTls({ port: proxy.port, ca: server.cert, servername: 'proxy.test' })
    await once(socket, 'secureConnect')
    const client = new RawPeer(socket)
    client.send(`GET /proxy.pac HTTP/1.1\r\nHost: proxy.test:${proxy.port}\r\n\r\n`)
    const at = `proxy.test:${proxy.port}`
    assert.equal(evaluate((await client.reply()).body, 'http://a.example/'), `HTTPS ${at}; PROXY ${at}`)
    client.send(plainRequest('http://a.example/'))
    assert.equal((await client.reply()).status, 407, 'but nothing else')
    socket.destroy()
    const welcome = await page(proxy, '/')
    assert.equal(welcome.status, 200)
    assert.match(welcome.body, new RegExp(`curl -x https://USER:PASSWORD@127\\.0\\.0\\.1:${proxy.port} `))
    assert.doesNotMatch(welcome.body, /alice|secret/)
  })

  test('F5 all else is 400, and never a loop', async (t) => {
    const proxy = await startForward(t, { guard: {} })
    for (const [path, method] of [
      ['/x', 'GET'],
      ['/proxy.pac/', 'GET'],
      ['//proxy.pac', 'GET'],
      ['*', 'OPTIONS'],
    ] as const) {
      const reply = await page(proxy, path, undefined, method)
      assert.deepEqual([reply.status, causeOf(reply)], [400, 'ERR_NOT_PROXIED'], path)
    }
    const post = await page(proxy, '/proxy.pac', undefined, 'POST')
    assert.deepEqual([post.status, post.field('allow')], [405, 'GET, HEAD'])
    const head = await page(proxy, '/proxy.pac', undefined, 'HEAD')
    assert.deepEqual([head.status, head.body, Number(head.field('content-length')) > 500], [200, '', true])
    for (const host of ['127.0.0.1', 'localhost', '127.1', '[::ffff:127.0.0.1]', '0'])
      for (const request of [plainRequest(`http://${host}:${proxy.port}/`), connectHead(`${host}:${proxy.port}`)]) {
        const reply = await ask(proxy.port, request)
        assert.deepEqual([reply.status, causeOf(reply)], [403, 'ERR_ADDRESS_FORBIDDEN'], request)
      }
    const bare = await startForward(t, { pac: 'off' })
    for (const path of ['/proxy.pac', '/wpad.dat']) assert.equal((await page(bare, path)).status, 400)
    assert.doesNotMatch((await page(bare, '/')).body, /proxy\.pac/)
  })

  test('F5 no text of a request gets into the PAC file but a host', async (t) => {
    const proxy = await startForward(t)
    for (const host of ['a";alert(1);"', 'a b', 'a;DIRECT', "a'", 'a.test:99999', '']) {
      const reply = await page(proxy, '/proxy.pac', host)
      if (reply.status !== 200) continue
      const own = `127.0.0.1:${proxy.port}`
      assert.equal(evaluate(reply.body, 'http://a.example/'), `PROXY ${own}; SOCKS5 ${own}`, host)
    }
  })
})
