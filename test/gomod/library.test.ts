import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as gomod from '../../src/gomod/index.ts'

const page = readFileSync(new URL('../../docs/reference/gomod.md', import.meta.url), 'utf8')

test('what the page on turnpike/gomod shows is what comes out', () => {
  const block = /```ts\n([^`]*)```/.exec(page)?.[1] ?? ''
  const lines = block.split('\n').flatMap((line) => {
    const shown = /^(\S.*) \/\/ (.*)$/.exec(line)
    return shown === null ? [] : [[shown[1]!, shown[2]!] as const]
  })
  assert.equal(lines.length, 4)
  for (const [code, result] of lines) {
    // eslint-disable-next-line typescript/no-implied-eval -- the page is ours
    const run = new Function(
      'gomod',
      `const { ${Object.keys(gomod).join(', ')} } = gomod; return [${code}, (${result})]`,
    )
    const [said, promised]: unknown[] = run(gomod)
    assert.deepEqual(said, promised, code)
  }
})

test('the page on turnpike/gomod names everything that it exports', () => {
  for (const name of Object.keys(gomod)) assert.match(page, new RegExp(`\\b${name}\\b`))
})
