import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readErrorCode, readListPage } from './list-page.ts'

const page = (more: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${more}</ListBucketResult>`

const object = (key: string): string =>
  `<Contents><Key>${key}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>&quot;x&quot;</ETag><Size>12</Size></Contents>`

test('a page of a list: objects, entities, where the next begins', () => {
  const xml = page(
    `<Name>b</Name><IsTruncated>true</IsTruncated>${object('a/&lt;b&gt;&amp;&#x263a;&#33;')}\n${object('c')}<NextContinuationToken>t/1==</NextContinuationToken>`,
  )
  assert.deepEqual(readListPage(xml), {
    objects: [
      { key: 'a/<b>&\u263a!', size: 12, modifiedMs: Date.UTC(2026, 0, 2, 3, 4, 5) },
      { key: 'c', size: 12, modifiedMs: Date.UTC(2026, 0, 2, 3, 4, 5) },
    ],
    next: 't/1==',
  })
  assert.deepEqual(readListPage(page('<IsTruncated>false</IsTruncated>')), { objects: [], next: null })
})

test('what is no list is refused', () => {
  for (const xml of [
    '',
    '<html></html>',
    page('<IsTruncated>true</IsTruncated>'),
    page('<Contents><Size>1</Size></Contents>'),
  ]) {
    assert.throws(() => readListPage(xml), { code: 'ERR_MODULE_STORE' }, xml)
  }
})

test('the code of an error, and nothing that could be anything', () => {
  assert.equal(readErrorCode('<Error><Code>NoSuchBucket</Code><Message>x</Message></Error>'), 'NoSuchBucket')
  assert.equal(readErrorCode('<Error><Code>a\r\nb</Code></Error>'), '')
  assert.equal(readErrorCode('not XML'), '')
})
