import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { proxyEnvironment, runClient, startFromYaml, temporaryFolder } from '../../support/forward/client-sites.ts'
import { startGitSite } from '../../support/goproxy/git-site.ts'
import { requireProgram } from '../../support/peers/require-program.ts'

describe('git', () => {
  for (const scheme of ['http', 'socks5h']) {
    test(`clones over https and http through ${scheme}://`, async (t) => {
      if (!requireProgram(t, 'git')) return
      const site = await startGitSite(t)
      const big = randomBytes(2_000_000)
      site.repository('tool').commit({ 'big.bin': big, 'README.md': 'hello\n' }, 'v1.0.0')
      const proxy = await startFromYaml(
        t,
        `
listeners: { web: { address: "127.0.0.1:0", door: forward } }
forward:
  auth: { basic: { users: { bot: "s3cret word" } } }
  guard: { allow: ["127.0.0.0/8"] }
  rules:
    - { match: { host: git.test, port: 443 }, redirectTo: "127.0.0.1:${site.port}" }
    - { match: { host: git.test, port: 80 }, redirectTo: "127.0.0.1:${site.plainPort}" }
`,
      )
      const env = {
        ...proxyEnvironment(`${scheme}://bot:s3cret%20word@127.0.0.1:${proxy.port}`),
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_TERMINAL_PROMPT: '0',
        GIT_SSL_CAINFO: site.authority.certFile,
      }
      const folder = temporaryFolder(t)
      for (const [name, url] of [
        ['secure', 'https://git.test/tool'],
        ['plain', 'http://git.test/tool'],
      ] as const) {
        const { code, stderr } = await runClient(t, ['git', 'clone', '-q', url, name], env, folder)
        assert.equal(code, 0, stderr)
        assert.deepEqual(readFileSync(join(folder, name, 'big.bin')), big)
        const fetched = await runClient(t, ['git', '-C', name, 'fetch', '--tags', 'origin'], env, folder)
        assert.equal(fetched.code, 0, fetched.stderr)
      }
      await proxy.when(() => proxy.count('exchanges') === 0, 'git to be gone')
      const passed = proxy.log.filter(({ status }) => status === 200)
      assert.ok(passed.some(({ method }) => method === 'CONNECT'))
      assert.ok(passed.every(({ user }) => user === 'bot'))
    })
  }
})
