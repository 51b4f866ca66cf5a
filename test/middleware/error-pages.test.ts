import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { after, describe, test } from 'node:test'
import { PageText } from '../../src/middleware/error-pages/page-text.ts'
import { ok } from '../support/origin.ts'
import { ask, get } from '../support/raw-client.ts'
import { through } from './through.ts'

const folder = mkdtempSync(join(tmpdir(), 'turnpike-pages-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const html = join(folder, 'error.html')
const json = join(folder, 'error.json')
writeFileSync(html, '<style>p{color:red}</style><h1>{status} {reason}</h1><p>{code} {requestId} {unknown}</p>')
writeFileSync(json, '{"status":{status},"code":"{code}","id":"{requestId}"}')

const pages = { '404': { html }, '5xx': { html, json } }
const answer = ({ line }: { line: string }): string => {
  const [, path] = line.split(' ')
  if (path === '/nonsense') return 'no HTTP\r\n\r\n'
  const status = path!.slice(1)
  const fields = 'ETag: "a"\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\nX-Own: 1\r\n'
  const length = line.startsWith('HEAD') ? '' : 'theirs'
  return status === '' ? ok('fine') : `HTTP/1.1 ${status} X\r\nContent-Length: 6\r\n${fields}\r\n${length}`
}

describe('errorPages', () => {
  test("Turnpike's own errors, in the form that is asked for", async (t) => {
    const { gateway } = await through(t, [{ errorPages: { pages } }], answer)
    const page = await ask(gateway.port, get('Accept: text/html,*/*\r\n', '/nonsense'))
    assert.equal(page.status, 502)
    assert.equal(page.field('content-type'), 'text/html; charset=utf-8')
    assert.equal(page.field('vary'), 'Accept')
    assert.match(page.field('proxy-status')!, /ERR_UPSTREAM_HEAD/)
    const id = page.field('x-request-id')!
    assert.equal(
      page.body,
      `<style>p{color:red}</style><h1>502 Bad Gateway</h1><p>ERR_UPSTREAM_HEAD ${id} {unknown}</p>`,
    )
    const data = await ask(gateway.port, get('Accept: application/json\r\n', '/nonsense'))
    assert.equal(data.field('content-type'), 'application/json')
    assert.deepEqual(JSON.parse(data.body), {
      status: 502,
      code: 'ERR_UPSTREAM_HEAD',
      id: data.field('x-request-id'),
    })
    assert.match((await ask(gateway.port, get('', '/nonsense'))).body, /<h1>502/)
    const other = await ask(gateway.port, get('Accept: image/png\r\n', '/nonsense'))
    assert.equal(other.field('content-type'), 'text/plain; charset=utf-8')
  })

  test('those of the upstream are left alone unless that is wanted', async (t) => {
    for (const [from, replaced] of [
      ['turnpike', false],
      ['upstream', true],
      ['all', true],
    ] as const) {
      const { gateway } = await through(t, [{ errorPages: { pages, from } }], answer)
      const client = await gateway.connect()
      for (let round = 0; round < 2; round++) {
        client.send(get('', '/503'))
        const reply = await client.reply()
        assert.equal(reply.status, 503)
        assert.equal(reply.field('x-own'), '1')
        assert.equal(/<h1>503 Service Unavailable<\/h1>|<h1>503 X<\/h1>/.test(reply.body), replaced, reply.body)
        assert.equal(reply.field('content-encoding'), replaced ? undefined : 'gzip')
        assert.equal(reply.field('etag'), replaced ? undefined : '"a"')
        client.send(get('', '/'))
        assert.equal((await client.reply()).body, 'fine')
        client.send(get('', '/400'))
        assert.equal((await client.reply()).body, 'theirs', 'there is no page for it')
      }
      const own = await ask(gateway.port, get('', '/nonsense'))
      assert.equal(/<h1>502/.test(own.body), from !== 'upstream')
    }
  })

  test('HEAD gets the length that GET would', async (t) => {
    const { gateway } = await through(t, [{ errorPages: { pages, from: 'all' } }], answer)
    const client = await gateway.connect()
    client.send(get('', '/503'))
    const whole = await client.reply()
    client.send('HEAD /503 HTTP/1.1\r\nHost: a.test\r\n\r\n')
    const head = await client.reply('HEAD')
    assert.equal(head.field('content-length'), whole.field('content-length'))
    assert.equal(head.field('content-type'), whole.field('content-type'))
  })

  test('a page is compressed where compress stands in front', async (t) => {
    const { gateway } = await through(
      t,
      [{ compress: { minSize: '16B', algorithms: ['gzip'] } }, { errorPages: { pages, from: 'all' } }],
      answer,
    )
    for (const path of ['/503', '/nonsense']) {
      const reply = await ask(gateway.port, get('Accept-Encoding: gzip\r\n', path))
      assert.equal(reply.field('content-encoding'), 'gzip')
      assert.match(gunzipSync(Buffer.from(reply.body, 'latin1')).toString(), /<h1>50[23]/)
    }
  })

  test('what is filled in cannot break out', () => {
    const facts = { status: '400', reason: `<b>"'&`, code: '', requestId: 'a"b\\' }
    assert.equal(
      new PageText('<p title="{reason}">', 'html').filled(facts).toString(),
      '<p title="&#60;b&#62;&#34;&#39;&#38;">',
    )
    const filled = new PageText('{"r":"{reason}","id":"{requestId}"}', 'json').filled(facts).toString()
    assert.deepEqual(JSON.parse(filled), { r: facts.reason, id: facts.requestId })
  })
})
