import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { TurnpikeError } from '../../../core/error.ts'
import { readModuleRequest } from './module-request.ts'

const refused = (target: string, mount = ''): void => {
  assert.throws(
    () => readModuleRequest(target, mount),
    (error) => error instanceof TurnpikeError && error.code === 'ERR_MODULE_PATH' && error.status === 404,
    target,
  )
}

describe('module requests', () => {
  test('every endpoint is read', () => {
    const module = 'example.com/a'
    assert.deepEqual(readModuleRequest('/example.com/a/@v/list', ''), { kind: 'list', module })
    assert.deepEqual(readModuleRequest('/example.com/a/@latest', ''), { kind: 'latest', module })
    for (const kind of ['info', 'mod', 'zip'] as const) {
      assert.deepEqual(readModuleRequest(`/example.com/a/@v/v1.2.3.${kind}`, ''), { kind, module, version: 'v1.2.3' })
    }
    assert.deepEqual(readModuleRequest('/sumdb/sum.example.com/lookup/a.com/!b@v1.0.0', ''), {
      kind: 'sumdb',
      path: 'sum.example.com/lookup/a.com/!b@v1.0.0',
    })
    const index = readModuleRequest('/index?since=2026-01-01T00:00:00Z', '')
    assert.equal(index.kind === 'index' && index.query.get('since'), '2026-01-01T00:00:00Z')
  })

  test('G1 percent-escaped and plain, escaped once: the same module', () => {
    const expected = { kind: 'info', module: 'github.com/Azure/sdk', version: 'v1.0.0-RC1' }
    assert.deepEqual(readModuleRequest('/github.com/%21azure/sdk/@v/v1.0.0-%21r%21c1.info', ''), expected)
    assert.deepEqual(readModuleRequest('/github.com/!azure/sdk/@v/v1.0.0-!r!c1.info', ''), expected)
    assert.deepEqual(readModuleRequest('/github.com/!azure/sdk/%40v/v1.0.0-!r!c1.info', ''), expected)
    refused('/github.com/%2521azure/sdk/@v/v1.0.0.info')
  })

  test('G1 upper case, a trailing "!", "!!", non-ASCII: 404', () => {
    for (const path of ['github.com/Azure', 'github.com/azure!', 'github.com/!!azure', 'github.com/%C3%A9', 'é.com/a'])
      refused(`/${path}/@v/list`)
    refused('/github.com/a/@v/v1.0.0-RC.info')
  })

  test('what two servers could read in two ways is refused', () => {
    for (const target of [
      '/example.com//a/@v/list',
      '//example.com/a/@v/list',
      '/example.com/./a/@v/list',
      '/example.com/../a/@v/list',
      '/example.com/%2e%2e/a/@v/list',
      '/example.com/a%2fb/@v/list',
      '/example.com/a%5cb/@v/list',
      '/example.com/a%00/@v/list',
      '/example.com/a%/@v/list',
      '/example.com/a%zz/@v/list',
      '/example.com/a/@v/list/',
      'example.com/a/@v/list',
      '*',
    ])
      refused(target)
  })

  test('what is no file of a module is refused', () => {
    for (const target of ['/', '/example.com/a', '/example.com/a/@v/', '/example.com/a/@v/v1.0.0', '/@v/list'])
      refused(target)
    for (const file of ['.info', 'v1.0.0.tar', '.zip', 'LIST']) refused(`/example.com/a/@v/${file}`)
  })

  test('G14 .mod and .zip are those of canonical versions, .info that of any query', () => {
    for (const version of ['main', 'v1', 'v1.2', 'latest', 'v1.2.3+meta', 'v01.0.0']) {
      refused(`/example.com/a/@v/${version}.mod`)
      refused(`/example.com/a/@v/${version}.zip`)
    }
    for (const query of ['main', 'v1', 'abcdef123456', 'v1.2.3']) {
      assert.deepEqual(readModuleRequest(`/example.com/a/@v/${query}.info`, ''), {
        kind: 'info',
        module: 'example.com/a',
        version: query,
      })
    }
  })

  test('G15 /vN from 2, gopkg.in .vN from 0; a version goes with its path', () => {
    refused('/example.com/a/v1/@v/list')
    refused('/example.com/a/v02/@v/list')
    refused('/example.com/a/@v/v2.0.0.mod')
    refused('/example.com/a/v2/@v/v1.0.0.mod')
    for (const file of [
      'example.com/a/@v/v2.0.0+incompatible.mod',
      'example.com/a/v2/@v/v2.0.0.mod',
      'gopkg.in/yaml.v0/@v/v0.1.0.mod',
      'gopkg.in/yaml.v2/@v/v2.0.0.zip',
    ])
      assert.equal(readModuleRequest(`/${file}`, '').kind, file.slice(-3))
  })

  test('a mount goes by segments, decoded or not', () => {
    const expected = { kind: 'list', module: 'example.com/a' }
    assert.deepEqual(readModuleRequest('/go/example.com/a/@v/list', '/go'), expected)
    assert.deepEqual(readModuleRequest('/%67o/example.com/a/@v/list', '/go'), expected)
    assert.deepEqual(readModuleRequest('/x/go/example.com/a/@v/list', '/x/go'), expected)
    refused('/gopher/example.com/a/@v/list', '/go')
    refused('/example.com/a/@v/list', '/go')
    refused('/go', '/go')
  })

  test('absolute-form is read as its path', () => {
    assert.deepEqual(readModuleRequest('http://proxy.test:80/example.com/a/@v/list', ''), {
      kind: 'list',
      module: 'example.com/a',
    })
    refused('http://proxy.test')
  })

  test('any target is read or refused, and what is read is one module, spelled in one way', () => {
    const pieces = String.raw`a example.com !a !! A . .. %21 %2f % @v @latest list v1.0.0.zip v2 main.info sumdb go \ é %c3%a9`
    const piece = fc.constantFrom('', '\0', 'index?since=1', 'v1.0.0+incompatible.mod', ...pieces.split(' '))
    const target = fc.array(piece, { maxLength: 8 }).map((parts) => `/${parts.join('/')}`)
    fc.assert(
      fc.property(fc.oneof(target, fc.string()), fc.constantFrom('', '/go'), (text, mount) => {
        try {
          const request = readModuleRequest(text, mount)
          if ('module' in request) assert.match(request.module, /^[\w.~-]+(?:\/[\w.~-]+)*$/)
        } catch (error) {
          assert.ok(error instanceof TurnpikeError && error.code === 'ERR_MODULE_PATH', String(error))
        }
      }),
      { numRuns: 5000 },
    )
  })
})
