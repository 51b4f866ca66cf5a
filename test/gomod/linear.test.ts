import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as gomod from '../../src/gomod/index.ts'

const size = 300_000

/** Inputs that make careless readers go back and forth. */
const nasty: [name: string, read: (text: string) => unknown, texts: string[]][] = [
  ['module path', gomod.checkModulePath, ['a.b' + '/v2'.repeat(size), 'a.b/' + '~1'.repeat(size), '.'.repeat(size)]],
  ['escaped path', gomod.unescapePath, ['!a'.repeat(size) + '!', 'a.b/' + '!'.repeat(size)]],
  [
    'version',
    gomod.canonicalVersion,
    ['v1.2.3-' + 'a.'.repeat(size), 'v1.2.3-' + '-'.repeat(size) + '!', 'v' + '1.'.repeat(size)],
  ],
  [
    'pseudo-version',
    gomod.pseudoVersionBase,
    ['v1.2.3-' + '0.20190101000000-'.repeat(size / 10), 'v1.2.3-' + '0.'.repeat(size) + 'a-b'],
  ],
  [
    'pattern',
    (text) => new gomod.ModulePatterns([text]).matches('a'.repeat(2000)),
    ['*a'.repeat(2000) + 'b', '[a'.repeat(size), '*'.repeat(size) + 'b'],
  ],
  [
    'go.mod',
    gomod.readGoMod,
    [
      'module '.repeat(size),
      '\n'.repeat(size),
      '"'.repeat(size),
      '// Deprecated: x\n//\n'.repeat(size / 10) + 'module a',
      'retract (\n'.repeat(size / 10),
    ],
  ],
  ['go.mod string', gomod.readGoMod, ['module "' + '\\'.repeat(size), 'module "' + '\\x41'.repeat(size / 4)]],
  ['list', gomod.parseProxyList, ['a.b' + ' '.repeat(size) + ',c.d', 'a.b,' + ','.repeat(size)]],
  [
    'page',
    readPage,
    [
      '<'.repeat(size),
      '<a '.repeat(size),
      '&'.repeat(size),
      '<!--'.repeat(size),
      '<!x "'.repeat(size),
      '<!x ' + '<!--'.repeat(size),
      '<a b="'.repeat(size),
      '<?xml ' + 'version='.repeat(size / 10) + '?>',
      ']'.repeat(size),
      'a'.repeat(size) + '<b>',
    ],
  ],
]

function readPage(text: string): unknown {
  try {
    return gomod.readGoImports(text)
  } catch (error) {
    assert.ok(error instanceof RangeError)
    return null
  }
}

for (const [name, read, texts] of nasty) {
  test(`G1 time is linear in: ${name}`, () => {
    for (const text of texts) {
      const startMs = performance.now()
      read(text)
      const tookMs = performance.now() - startMs
      // Quadratic time would be minutes.
      assert.ok(tookMs < 3000, `${text.slice(0, 20)}…: ${tookMs.toFixed(0)} ms`)
    }
  })
}
