import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { startFromYaml } from '../../support/forward/client-sites.ts'
import { testCertificate } from '../../support/certificates.ts'
import { GoCommand } from '../../support/goproxy/go-command.ts'
import { makeModule } from '../../support/goproxy/module-fixtures.ts'
import { startProxyPeer } from '../../support/goproxy/proxy-origin.ts'
import { requireProgram } from '../../support/peers/require-program.ts'

describe('go mod download', () => {
  for (const [name, scheme, variable] of [
    ['GOPROXY over http, by HTTP_PROXY', 'http', 'HTTP_PROXY'],
    ['GOPROXY over https, by HTTPS_PROXY', 'https', 'HTTPS_PROXY'],
    ['GOPROXY over https, by HTTPS_PROXY to socks5', 'https', 'HTTPS_PROXY'],
  ] as const) {
    test(name, async (t) => {
      if (!requireProgram(t, 'go')) return
      const authority = testCertificate({ subject: 'Authority of modules', authority: true })
      const certificate = testCertificate({ subject: 'goproxy.test', names: ['DNS:goproxy.test'], issuer: authority })
      const modules = [await makeModule('example.com/tool', 'v1.0.0'), await makeModule('example.com/other', 'v0.2.0')]
      const peer = await startProxyPeer(t, { modules, ...(scheme === 'https' && { certificate }) })
      const proxy = await startFromYaml(
        t,
        `
listeners: { web: { address: "127.0.0.1:0", door: forward } }
forward:
  auth: off
  guard: { allow: ["127.0.0.0/8"] }
  rules:
    - { match: { host: goproxy.test }, redirectTo: "127.0.0.1:${peer.port}" }
`,
      )
      const to = name.includes('socks5') ? 'socks5' : 'http'
      const go = await GoCommand.make(t, {
        proxy: `${scheme}://goproxy.test`,
        env: { [variable]: `${to}://127.0.0.1:${proxy.port}`, NO_PROXY: '', SSL_CERT_FILE: authority.certFile },
      })
      const { code, stderr } = await go.run('mod', 'download', 'example.com/tool@v1.0.0', 'example.com/other@latest')
      assert.equal(code, 0, stderr)
      assert.ok(existsSync(join(go.modCache, 'example.com/tool@v1.0.0')))
      assert.ok(existsSync(join(go.modCache, 'example.com/other@v0.2.0')))
      await proxy.when(() => proxy.count('exchanges') === 0, 'go to be gone')
      assert.ok(proxy.log.length > 0)
      const method = scheme === 'http' ? 'GET' : 'CONNECT'
      assert.deepEqual([...new Set(proxy.log.map((line) => line.method))], [method])
    })
  }
})
