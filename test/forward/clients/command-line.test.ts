import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  proxyEnvironment,
  proxyYaml,
  runClient,
  startFromYaml,
  startSites,
} from '../../support/forward/client-sites.ts'
import { findPython, pythonHas } from '../../support/forward/python.ts'
import { requireProgram } from '../../support/peers/require-program.ts'

const urls = ['http://plain.example/', 'https://secure.example/']
const login = 'auth: { basic: { users: { alice: sesame } } }'

test('wget, with a login', async (t) => {
  if (!requireProgram(t, 'wget')) return
  const sites = await startSites(t)
  const proxy = await startFromYaml(t, proxyYaml(sites, login))
  const options = ['-q', '-O', '-', `--ca-certificate=${sites.authority.certFile}`, '-t', '1', '-T', '10']
  const env = proxyEnvironment(`http://alice:sesame@127.0.0.1:${proxy.port}`)
  for (const url of urls) {
    const { stdout, stderr } = await runClient(t, ['wget', ...options, url], env)
    assert.equal(stdout, 'GET /\n', stderr)
  }
})

test('openssl s_client -proxy', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const sites = await startSites(t)
  const proxy = await startFromYaml(t, proxyYaml(sites))
  const { stdout, stderr } = await runClient(t, [
    'sh',
    '-c',
    `printf 'GET / HTTP/1.1\\r\\nHost: secure.example\\r\\nConnection: close\\r\\n\\r\\n' | openssl s_client -quiet -ign_eof -verify_return_error -CAfile ${sites.authority.certFile} -servername secure.example -proxy 127.0.0.1:${proxy.port} -connect secure.example:443`,
  ])
  assert.match(stdout, /^HTTP\/1\.1 200 OK[^]*GET \/\n/, stderr)
  assert.equal((await proxy.logged(1))[0]!.method, 'CONNECT')
})

describe('Python', () => {
  // urllib knows no TLS to a proxy.
  for (const [module, scheme] of [
    ['urllib.request', 'http'],
    ['requests', 'http'],
    ['requests', 'https'],
  ]) {
    test(`${module} through ${scheme}://`, async (t) => {
      const python = findPython()
      // pip brings a requests of its own.
      const found = [module, `pip._vendor.${module}`].find((name) => python !== null && pythonHas(python, name!))
      if (python === null || found === undefined) {
        requireProgram(t, `python3 with ${module}`)
        return
      }
      const sites = await startSites(t)
      const proxy = await startFromYaml(t, proxyYaml(sites, login))
      const program =
        module === 'requests'
          ? `import ${found} as requests\nfor url in ${JSON.stringify(urls)}: print(requests.get(url, timeout=10).text, end='')`
          : `import urllib.request\nfor url in ${JSON.stringify(urls)}: print(urllib.request.urlopen(url, timeout=10).read().decode(), end='')`
      const { certFile } = sites.authority
      const { stdout, stderr } = await runClient(t, [python, '-c', program], {
        ...proxyEnvironment(`${scheme}://alice:sesame@localhost:${proxy.port}`),
        SSL_CERT_FILE: certFile,
        REQUESTS_CA_BUNDLE: certFile,
      })
      assert.equal(stdout, 'GET /\nGET /\n', stderr)
      assert.ok(proxy.log.every(({ user }) => user === 'alice'))
    })
  }
})
