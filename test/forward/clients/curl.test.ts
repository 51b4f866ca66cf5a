import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import {
  proxyYaml,
  runClient,
  startFromYaml,
  startSites,
  temporaryFolder,
  type Ran,
  type Sites,
} from '../../support/forward/client-sites.ts'
import { requireProgram } from '../../support/peers/require-program.ts'

const login = `auth: { basic: { users: { alice: sesame } } }`

async function start(t: TestContext, more?: string, address?: string) {
  const sites = await startSites(t)
  return { sites, proxy: await startFromYaml(t, proxyYaml(sites, more, address)) }
}

function curl(t: TestContext, sites: Sites, ...args: string[]): Promise<Ran> {
  const { certFile } = sites.authority
  return runClient(t, ['curl', '-sS', '--max-time', '10', '--cacert', certFile, '--proxy-cacert', certFile, ...args])
}

async function hello(t: TestContext, sites: Sites, ...args: string[]): Promise<void> {
  const { stdout, stderr } = await curl(t, sites, ...args)
  assert.equal(stdout, 'GET /\n', stderr)
}

describe('curl', () => {
  for (const scheme of ['http', 'https', 'socks4a', 'socks5h']) {
    test(`-x ${scheme}://`, async (t) => {
      if (!requireProgram(t, 'curl')) return
      const { sites, proxy } = await start(t)
      const x = `${scheme}://${scheme === 'https' ? 'localhost' : '127.0.0.1'}:${proxy.port}`
      await hello(t, sites, '-x', x, 'http://plain.example/')
      await hello(t, sites, '-x', x, 'https://secure.example/')
      await hello(t, sites, '-p', '-x', x, 'http://plain.example/')
      const lines = await proxy.logged(3)
      const tunnelled = { http: 'HTTP/1.1', https: 'HTTP/1.1', socks4a: 'SOCKS4', socks5h: 'SOCKS5' }[scheme]
      assert.deepEqual(
        lines.map(({ status, protocol }) => `${status} ${protocol}`),
        Array.from({ length: 3 }, () => `200 ${tunnelled}`),
      )
      const connect = scheme.startsWith('socks') ? ['CONNECT', 'CONNECT', 'CONNECT'] : ['GET', 'CONNECT', 'CONNECT']
      assert.deepEqual(
        lines.map(({ method }) => method),
        connect,
      )
      assert.deepEqual(
        sites.asked.map(({ line }) => line),
        ['GET plain.example/', 'GET secure.example/', 'GET plain.example/'],
      )
    })
  }

  for (const scheme of ['socks4', 'socks5']) {
    test(`-x ${scheme}://, which resolves names itself`, async (t) => {
      if (!requireProgram(t, 'curl')) return
      const { sites, proxy } = await start(t)
      await hello(t, sites, '-x', `${scheme}://127.0.0.1:${proxy.port}`, `http://127.0.0.1:${sites.plainPort}/`)
      await hello(t, sites, '-x', `${scheme}://127.0.0.1:${proxy.port}`, `https://localhost:${sites.securePort}/`)
    })
  }

  for (const scheme of ['http', 'https', 'socks5', 'socks5h']) {
    test(`-x ${scheme}://[::1] to a target by IPv6`, async (t) => {
      if (!requireProgram(t, 'curl')) return
      const { sites, proxy } = await start(t, undefined, '[::1]:0')
      const x = `${scheme}://[::1]:${proxy.port}`
      await hello(t, sites, '-g', '-x', x, `http://[::1]:${sites.sixPort}/`)
      await hello(t, sites, '-g', '-p', '-x', x, `http://[::1]:${sites.sixPort}/`)
    })
  }

  for (const scheme of ['http', 'https', 'socks5h']) {
    test(`-U over ${scheme}://`, async (t) => {
      if (!requireProgram(t, 'curl')) return
      const { sites, proxy } = await start(t, login)
      const x = `${scheme}://localhost:${proxy.port}`
      for (const url of ['http://plain.example/', 'https://secure.example/']) {
        await hello(t, sites, '-x', x, '-U', 'alice:sesame', url)
        const refused = await curl(
          t,
          sites,
          '-x',
          x,
          '-U',
          'alice:wrong',
          '-w',
          '%{http_connect} %{http_code}',
          '-o',
          '/dev/null',
          url,
        )
        if (scheme === 'socks5h') assert.equal(refused.code, 97, refused.stderr)
        else assert.match(refused.stdout, /407/)
      }
      assert.equal(sites.asked.length, 2)
      for (const { headers } of sites.asked) assert.equal(headers['proxy-authorization'], undefined)
      assert.ok(proxy.log.filter(({ user }) => user === 'alice').length >= 2)
    })
  }

  test('--proxy-anyauth asks first, and answers the challenge (F2, F6)', async (t) => {
    if (!requireProgram(t, 'curl')) return
    const { sites, proxy } = await start(t, login)
    const args = ['--proxy-anyauth', '-U', 'alice:sesame', '-x', `http://127.0.0.1:${proxy.port}`]
    await hello(t, sites, ...args, 'http://plain.example/')
    await hello(t, sites, ...args, 'https://secure.example/')
  })

  test('uploads and downloads by each way are the bytes that were sent', async (t) => {
    if (!requireProgram(t, 'curl')) return
    const body = randomBytes(3_000_000)
    const hash = createHash('sha256').update(body).digest('hex')
    const sites = await startSites(t, (_request, response) => void response.end(body))
    const proxy = await startFromYaml(t, proxyYaml(sites))
    const folder = temporaryFolder(t)
    writeFileSync(join(folder, 'body'), body)
    const ways: [x: string, url: string][] = [
      ['http://127.0.0.1', 'http://plain.example/'],
      ['http://127.0.0.1', 'https://secure.example/'],
      ['https://localhost', 'https://secure.example/'],
      ['socks5h://127.0.0.1', 'https://secure.example/'],
      ['socks4a://127.0.0.1', 'http://plain.example/'],
    ]
    for (const [x, url] of ways) {
      const get = `curl -sS --max-time 20 --cacert ${sites.authority.certFile} --proxy-cacert ${sites.authority.certFile} -x ${x}:${proxy.port} -T ${join(folder, 'body')} ${url} | sha256sum`
      const { stdout, stderr } = await runClient(t, ['sh', '-c', get])
      assert.equal(stdout.slice(0, 64), hash, `${x} ${url} ${stderr}`)
    }
    assert.deepEqual(
      sites.asked.map((each) => each.hash),
      ways.map(() => hash),
    )
  })

  test('several requests share the connection to the proxy', async (t) => {
    if (!requireProgram(t, 'curl')) return
    const { sites, proxy } = await start(t)
    const url = 'http://plain.example/'
    const { stdout } = await curl(
      t,
      sites,
      '-x',
      `http://127.0.0.1:${proxy.port}`,
      '-w',
      '%{num_connects}\n',
      url,
      url,
      url,
    )
    assert.equal(stdout.replaceAll('GET /\n', ''), '1\n0\n0\n')
    assert.deepEqual(
      (await proxy.logged(3)).map(({ reused }) => reused),
      [false, true, true],
    )
  })

  test('environment variables, with exceptions', async (t) => {
    if (!requireProgram(t, 'curl')) return
    const { sites, proxy } = await start(t)
    const env = { http_proxy: `http://127.0.0.1:${proxy.port}`, no_proxy: 'direct.example,127.0.0.1' }
    const through = await runClient(t, ['curl', '-sS', 'http://plain.example/'], env)
    assert.equal(through.stdout, 'GET /\n', through.stderr)
    const past = await runClient(t, ['curl', '-sS', `http://127.0.0.1:${sites.plainPort}/past`], env)
    assert.equal(past.stdout, 'GET /past\n')
    assert.equal((await proxy.logged(1)).length, 1)
  })
})
