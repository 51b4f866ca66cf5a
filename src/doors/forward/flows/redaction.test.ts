import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Redaction } from './redaction.ts'

const redaction = new Redaction(['X-Tenant'])

const part = (name: string, value: string): string =>
  `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`

const form = (password: string): Buffer =>
  Buffer.from(`${part('user', 'a')}${part('password', password)}${part('file', '\xff\x00')}--b--\r\n`, 'latin1')

describe('what is kept out of a record', () => {
  const fields: [name: string, value: string, shown: string][] = [
    ['Authorization', 'Bearer abc.def', 'Bearer [redacted]'],
    ['authorization', 'abcdef', '[redacted]'],
    ['Proxy-Authorization', 'Basic YTpi', 'Basic [redacted]'],
    ['Cookie', 'a=1; sid=s3cret', 'a=[redacted]; sid=[redacted]'],
    ['Set-Cookie', 'sid=s3cret; Path=/; HttpOnly', 'sid=[redacted]; Path=/; HttpOnly'],
    ['X-Api-Key', 'k', '[redacted]'],
    ['X-Amz-Security-Token', 'k', '[redacted]'],
    ['X-CSRFToken', 'k', '[redacted]'],
    ['x-tenant', 'k', '[redacted]'],
    ['Referer', 'http://a.example/x?token=1&page=2', 'http://a.example/x?token=[redacted]&page=2'],
    ['Location', '/back#access_token=1&state=2', '/back#access_token=[redacted]&state=2'],
    ['Link', '</p?page=2&api_key=1>; rel="next"', '</p?page=2&api_key=[redacted]>; rel="next"'],
    ['WWW-Authenticate', 'Basic realm="x"', 'Basic realm="x"'],
    ['Content-Type', 'text/html', 'text/html'],
    ['Accept', '*/*', '*/*'],
    ['X-Author', 'Ann', 'Ann'],
  ]
  for (const [name, value, shown] of fields) {
    test(`${name}: ${value}`, () => assert.equal(redaction.field(name, value), shown))
  }

  const urls: [url: string, shown: string][] = [
    ['http://a.example/?q=1', 'http://a.example/?q=1'],
    ['http://me:pw@a.example/x', 'http://[redacted]@a.example/x'],
    ['http://a.example/?access_token=1&q=2', 'http://a.example/?access_token=[redacted]&q=2'],
    ['http://a.example/?X-Amz-Signature=1&X-Amz-Date=2', 'http://a.example/?X-Amz-Signature=[redacted]&X-Amz-Date=2'],
    ['http://a.example/?apiKey=1&keyword=2', 'http://a.example/?apiKey=[redacted]&keyword=2'],
    ['http://a.example/?%74oken=1', 'http://a.example/?%74oken=[redacted]'],
    ['http://a.example/?code=1;password=2', 'http://a.example/?code=[redacted];password=[redacted]'],
    ['http://a.example/cart;jsessionid=1;page=2/x', 'http://a.example/cart;jsessionid=[redacted];page=2/x'],
    ['http://a.example/?x-tenant=1', 'http://a.example/?x-tenant=[redacted]'],
  ]
  for (const [url, shown] of urls) test(url, () => assert.equal(redaction.url(url), shown))

  test('a form', () => {
    const type = 'application/x-www-form-urlencoded'
    assert.equal(
      redaction.body('user=a&password=b&client_secret=c', type),
      'user=a&password=[redacted]&client_secret=[redacted]',
    )
  })

  test('a multipart form, whatever bytes are in it', () => {
    const type = 'multipart/form-data; boundary=b'
    assert.deepEqual(redaction.multipart(form('ses\r\n--ame'), type), form('[redacted]'))
    // Cut off within it.
    const cut = form('sesame').subarray(0, form('').indexOf('password"') + 16)
    assert.match(redaction.multipart(cut, type).toString(), /password"\r\n\r\n\[redacted\]$/)
  })

  test('JSON: strings, numbers, lists and objects, the rest as it was', () => {
    const text =
      '{ "user": "a",\n "accessToken":"b\\"c", "pin": 1234, "n": 1.50, "tokens": ["x", {"y": 1}], "after": "z", "token": null }'
    assert.equal(
      redaction.body(text, 'application/problem+json'),
      '{ "user": "a",\n "accessToken":"[redacted]", "pin": "[redacted]", "n": 1.50, "tokens": ["[redacted]", {"[redacted]": "[redacted]"}], "after": "z", "token": null }',
    )
  })

  test('JSON that was cut off within a secret', () => {
    assert.equal(redaction.body('{"a":1,"password":"sesam', 'application/json'), '{"a":1,"password":"[redacted]"')
    assert.equal(redaction.body('{"a":1,"password":"sesam\\', 'application/json'), '{"a":1,"password":"[redacted]"')
  })

  test('a text made to be slow to read is read in time linear in its length', () => {
    const started = performance.now()
    redaction.body('"\\'.repeat(200_000), 'application/json')
    redaction.body('\\"'.repeat(200_000), 'application/json')
    redaction.body('['.repeat(400_000), 'application/json')
    redaction.url(`http://a.example/?${'a='.repeat(200_000)}`)
    assert.ok(performance.now() - started < 2000)
  })

  test('`secrets: true` hides nothing', () => {
    const open = new Redaction(['x-tenant'], true)
    assert.equal(open.field('Authorization', 'Bearer a'), 'Bearer a')
    assert.equal(open.url('http://a:b@a.example/?token=1'), 'http://a:b@a.example/?token=1')
    assert.equal(open.body('{"token":"a"}', 'application/json'), '{"token":"a"}')
  })
})
