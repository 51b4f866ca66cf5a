import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readWarmList } from './warm-list.ts'

test('a go.sum names zips with their hashes, and go.mod files whose zip nobody needs', () => {
  const text = [
    'example.com/a v1.0.0 h1:zip=',
    'example.com/a v1.0.0/go.mod h1:mod=',
    'example.com/b v0.1.0/go.mod h1:other=',
    '',
  ].join('\n')
  assert.deepEqual(readWarmList(text), [
    { module: 'example.com/a', version: 'v1.0.0', zipH1: 'h1:zip=', modH1: 'h1:mod=', modOnly: false },
    { module: 'example.com/b', version: 'v0.1.0', zipH1: null, modH1: 'h1:other=', modOnly: true },
  ])
})

test('a list names versions and queries, with comments', () => {
  const text = '# ours\nexample.com/a@v1.0.0  # pinned\r\nexample.com/b master\nexample.com/c\nexample.com/a@v1.0.0\n'
  assert.deepEqual(
    readWarmList(text).map(({ module, version, modOnly }) => [module, version, modOnly]),
    [
      ['example.com/a', 'v1.0.0', false],
      ['example.com/b', 'master', false],
      ['example.com/c', 'latest', false],
    ],
  )
})

test('a line that is neither is named', () => {
  for (const line of ['a b c d', 'example.com/a v1.0.0 sha1:x', '@v1.0.0', 'example.com/a@'])
    assert.throws(() => readWarmList(`example.com/x@v1.0.0\n${line}\n`), /^RangeError: line 2: /, line)
})
