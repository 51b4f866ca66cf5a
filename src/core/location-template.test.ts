import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LocationTemplate } from './location-template.ts'

const expand = (template: string, captures: Record<string, string>, query = '') =>
  new LocationTemplate(template).expand(new Map(Object.entries(captures)), query)

test('captures go where their names stand', () => {
  assert.equal(expand('https://docs.example.com/{rest}', { rest: 'a/b' }), 'https://docs.example.com/a/b')
  assert.equal(expand('/{a}/x/{b}{a}', { a: '1', b: '2' }), '/1/x/21')
  assert.equal(expand('/x{gone}', {}), '/x')
})

test('the query is kept where the template has none, before a fragment', () => {
  assert.equal(expand('/x', {}, '?a=1'), '/x?a=1')
  assert.equal(expand('/x#top', {}, '?a=1'), '/x?a=1#top')
  assert.equal(expand('/x?b=2', {}, '?a=1'), '/x?b=2')
  assert.equal(expand('/{p}?id={id}&x={p}', { p: 'a=b', id: '1&admin=1+1' }, '?y'), '/a=b?id=1%26admin%3D1%2B1&x=a%3Db')
})

test('a capture never chooses the host', () => {
  assert.equal(expand('/{1}', { '1': '/evil.example' }), '/evil.example')
  assert.equal(expand('/{1}/{2}', { '1': '', '2': '/evil.example' }), '/evil.example')
  for (const template of [
    'https://{host}/x',
    'https://example.com{rest}',
    'https://example.com:{port}/',
    '//{host}/x',
    '{rest}',
    'javascript:alert({x})',
    'example.com/{rest}',
    '/a b',
    '/\\{rest}',
  ]) {
    assert.throws(() => new LocationTemplate(template), RangeError, template)
  }
})
