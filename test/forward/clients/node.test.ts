import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { proxyYaml, runClient, startFromYaml, startSites } from '../../support/forward/client-sites.ts'

const urls = ['http://plain.example/', 'https://secure.example/']

const programs: Record<string, string> = {
  fetch: `for (const url of ${JSON.stringify(urls)}) {
    const reply = await fetch(url, { method: 'POST', body: 'x'.repeat(100_000) })
    console.log(reply.status, (await reply.text()).trim())
  }`,
  'http.Agent with proxyEnv': `import http from 'node:http'
  import https from 'node:https'
  for (const url of ${JSON.stringify(urls)}) {
    const lib = url.startsWith('https') ? https : http
    const agent = new lib.Agent({ proxyEnv: process.env, keepAlive: true })
    const { promise, resolve, reject } = Promise.withResolvers()
    lib.request(url, { agent, method: 'POST' }, resolve).on('error', reject).end('x'.repeat(100_000))
    const reply = await promise
    console.log(reply.statusCode, Buffer.concat(await reply.toArray()).toString().trim())
    agent.destroy()
  }`,
}

describe('Node 26', () => {
  for (const [name, program] of Object.entries(programs)) {
    for (const scheme of ['http', 'https']) {
      test(`${name} through ${scheme}://`, async (t) => {
        const sites = await startSites(t)
        const proxy = await startFromYaml(t, proxyYaml(sites, 'auth: { basic: { users: { alice: "se:same" } } }'))
        const url = `${scheme}://alice:se%3Asame@localhost:${proxy.port}`
        const { stdout, stderr } = await runClient(t, [process.execPath, '--input-type=module', '-e', program], {
          // The agents are given it; only fetch is asked to look by itself.
          ...(name === 'fetch' && { NODE_USE_ENV_PROXY: '1' }),
          HTTP_PROXY: url,
          HTTPS_PROXY: url,
          NODE_EXTRA_CA_CERTS: sites.authority.certFile,
        })
        assert.equal(stdout, '200 POST /\n200 POST /\n', stderr)
        assert.deepEqual(
          sites.asked.map(({ line, bytes }) => `${line} ${bytes}`),
          ['POST plain.example/ 100000', 'POST secure.example/ 100000'],
        )
        assert.ok(sites.asked.every(({ headers }) => headers['proxy-authorization'] === undefined))
      })
    }
  }
})
