import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import {
  proxyEnvironment,
  proxyYaml,
  runClient,
  startFromYaml,
  startSites,
  temporaryFolder,
} from '../../support/forward/client-sites.ts'
import { findPython, pythonHas } from '../../support/forward/python.ts'
import { requireProgram } from '../../support/peers/require-program.ts'

describe('package managers, by environment variables', () => {
  test('npm install, from a registry over https', async (t) => {
    if (!requireProgram(t, 'npm')) return
    const source = temporaryFolder(t)
    mkdirSync(join(source, 'package'))
    writeFileSync(join(source, 'package/package.json'), '{"name":"tool","version":"1.0.0","main":"tool.js"}')
    writeFileSync(join(source, 'package/tool.js'), 'module.exports = 42\n')
    execFileSync('tar', ['-czf', 'tool.tgz', 'package'], { cwd: source })
    const tarball = readFileSync(join(source, 'tool.tgz'))
    const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
    const sites = await startSites(t, ({ url }, response) => {
      const version = {
        name: 'tool',
        version: '1.0.0',
        dist: { tarball: 'https://secure.example/tool/-/tool.tgz', integrity },
      }
      const document = { name: 'tool', 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': version } }
      if (url === '/tool/-/tool.tgz') response.end(tarball)
      else if (url === '/tool') response.setHeader('Content-Type', 'application/json').end(JSON.stringify(document))
      else response.writeHead(404).end('{}')
    })
    const proxy = await startFromYaml(t, proxyYaml(sites))
    const folder = temporaryFolder(t)
    writeFileSync(join(folder, 'package.json'), '{"name":"app","version":"1.0.0"}')
    const { code, stdout, stderr } = await runClient(
      t,
      ['npm', 'install', '--no-audit', '--no-fund', '--no-update-notifier', 'tool'],
      {
        ...proxyEnvironment(`http://127.0.0.1:${proxy.port}`, '127.0.0.1'),
        npm_config_registry: 'https://secure.example/',
        npm_config_cafile: sites.authority.certFile,
      },
      folder,
    )
    assert.equal(code, 0, stdout + stderr)
    assert.equal(readFileSync(join(folder, 'node_modules/tool/tool.js'), 'utf8'), 'module.exports = 42\n')
    await proxy.when(() => proxy.count('exchanges') === 0, 'npm to be gone')
    assert.ok(proxy.log.length > 0)
    assert.deepEqual([...new Set(proxy.log.map(({ method, status }) => `${method} ${status}`))], ['CONNECT 200'])
  })

  for (const [scheme, index] of [
    ['http', 'https://secure.example/simple/'],
    ['http', 'http://plain.example/simple/'],
    ['https', 'https://secure.example/simple/'],
  ] as const) {
    test(`pip download from ${index} through ${scheme}://`, async (t) => {
      const python = findPython()
      if (python === null || !pythonHas(python, 'pip')) {
        requireProgram(t, 'python3 with pip')
        return
      }
      const source = temporaryFolder(t)
      const wheel = 'tool-1.0.0-py3-none-any.whl'
      execFileSync(python, ['-c', makeWheel, join(source, wheel)])
      const sites = await startSites(t, ({ url }, response) => {
        response.setHeader('Content-Type', url!.endsWith('.whl') ? 'application/zip' : 'text/html')
        if (url === '/simple/tool/') response.end(`<!doctype html><a href="../../files/${wheel}">${wheel}</a>`)
        else if (url === `/files/${wheel}`) response.end(readFileSync(join(source, wheel)))
        else response.writeHead(404).end()
      })
      const proxy = await startFromYaml(t, proxyYaml(sites))
      const folder = temporaryFolder(t)
      const { code, stdout, stderr } = await runClient(
        t,
        [
          python,
          ...'-m pip download --no-deps --disable-pip-version-check --no-cache-dir --retries 0 tool'.split(' '),
          '--trusted-host',
          'plain.example',
          '--index-url',
          index,
        ],
        {
          ...proxyEnvironment(`${scheme}://localhost:${proxy.port}`),
          PIP_CERT: sites.authority.certFile,
          PIP_CONFIG_FILE: '/dev/null',
        },
        folder,
      )
      assert.equal(code, 0, stdout + stderr)
      assert.deepEqual(readFileSync(join(folder, wheel)), readFileSync(join(source, wheel)))
      await proxy.when(() => proxy.count('exchanges') === 0, 'pip to be gone')
      assert.ok(proxy.log.length > 0)
      assert.deepEqual(
        [...new Set(proxy.log.map(({ method, status }) => `${method} ${status}`))],
        [index.startsWith('https') ? 'CONNECT 200' : 'GET 200'],
      )
    })
  }
})

/** The least that is one (PEP 427). */
const makeWheel = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as wheel:
    info = 'tool-1.0.0.dist-info/'
    wheel.writestr('tool.py', 'answer = 42\\n')
    wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: tool\\nVersion: 1.0.0\\n')
    wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(info + 'RECORD', '')
`
