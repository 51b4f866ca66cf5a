import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
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

/** Asks its own site for more by script, twenty times at once, and says what came of it. */
const page = `<!doctype html><p id="out">waiting</p><script>
  addEventListener('load', async () => {
    const replies = await Promise.all(Array.from({ length: 20 }, (_, at) => fetch('/' + at, { method: 'POST', body: 'x'.repeat(50000) })))
    const texts = await Promise.all(replies.map((reply) => reply.text()))
    out.textContent = location.protocol + ' ' + new Set(texts).size + ' ' + texts[7]
  })
</script>`

function startPages(t: TestContext): Promise<Sites> {
  return startSites(t, ({ url, method }, response) => {
    response.setHeader('Content-Type', url === '/' ? 'text/html' : 'text/plain')
    response.end(url === '/' ? page : `${method} ${url}`)
  })
}

/** A home whose certificate store trusts an authority. */
function trustingHome(t: TestContext, authority: string): string {
  const home = temporaryFolder(t)
  const store = join(home, '.pki/nssdb')
  mkdirSync(store, { recursive: true })
  const certutil = (...args: string[]): void => void execFileSync('certutil', ['-d', `sql:${store}`, ...args])
  certutil('-N', '--empty-password')
  certutil('-A', '-t', 'C,,', '-n', 'authority', '-i', authority)
  return home
}

function chromium(t: TestContext, home: string, url: string, ...options: string[]): Promise<Ran> {
  return runClient(
    t,
    [
      'chromium',
      ...'--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update --no-first-run'.split(
        ' ',
      ),
      '--virtual-time-budget=15000',
      '--dump-dom',
      `--user-data-dir=${join(home, 'profile')}`,
      ...options,
      url,
    ],
    {},
    home,
  )
}

describe('Chromium', () => {
  for (const scheme of ['http', 'https', 'socks5', 'socks4', 'pac']) {
    test(scheme === 'pac' ? '--proxy-pac-url' : `--proxy-server=${scheme}://`, async (t) => {
      if (!requireProgram(t, 'chromium', 'certutil')) return
      const sites = await startPages(t)
      const proxy = await startFromYaml(t, proxyYaml(sites))
      const home = trustingHome(t, sites.authority.certFile)
      const option =
        scheme === 'pac'
          ? `--proxy-pac-url=http://127.0.0.1:${proxy.port}/proxy.pac`
          : `--proxy-server=${scheme}://${scheme === 'https' ? 'localhost' : '127.0.0.1'}:${proxy.port}`
      // By SOCKS4 a browser sends addresses alone, which it resolves by itself.
      const urls =
        scheme === 'socks4'
          ? [`http://127.0.0.1:${sites.plainPort}/`, `https://localhost:${sites.securePort}/`]
          : ['http://plain.example/', 'https://secure.example/']
      for (const url of urls) {
        const { stdout, stderr } = await chromium(t, home, url, option, '--proxy-bypass-list=<-loopback>')
        assert.match(stdout, new RegExp(`<p id="out">${new URL(url).protocol} 20 POST /7</p>`), stderr)
      }
      assert.equal(sites.asked.filter(({ bytes }) => bytes === 50_000).length, 40)
      const passed = proxy.log
        .filter(({ status }) => status === 200)
        .map(({ method, protocol }) => `${method} ${protocol}`)
      const tunnels = { socks4: 'CONNECT SOCKS4', socks5: 'CONNECT SOCKS5' }[scheme] ?? 'CONNECT HTTP/1.1'
      assert.ok(passed.includes(tunnels), passed.join())
    })
  }
})
