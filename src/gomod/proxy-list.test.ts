import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseProxyList, withoutCredentials } from './proxy-list.ts'

test('G10 a list: what stands in it, and what makes the go command go on', () => {
  const cases: [text: string, members: string, unread?: string[]][] = [
    ['direct', 'direct,'],
    ['off', 'off,'],
    ['https://a.example', 'https://a.example,'],
    [
      'https://a.example,https://b.example/x|http://c.example',
      'https://a.example, https://b.example/x| http://c.example,',
    ],
    ['a.example|direct', 'https://a.example| direct,'],
    ['a.example:8080/x , direct', 'https://a.example:8080/x, direct,'],
    ['localhost:8080', 'https://localhost:8080,'],
    ['localhost/x', 'https://localhost/x,'],
    ['file:///srv/modules', 'file:///srv/modules,'],
    ['HTTPS://a.example', 'HTTPS://a.example,'],
    ['https://u:p@a.example/', 'https://u:p@a.example/,'],
    [',,a.example,|,direct,,', 'https://a.example, direct,', []],
    // The mark right behind an entry is its own; those of the empty ones behind it count for nothing.
    ['a.example,|b.example', 'https://a.example, https://b.example,'],
    ['a.example|,b.example', 'https://a.example| https://b.example,'],
    ['direct|a.example, b.example', 'direct,', ['a.example', 'b.example']],
    ['a.example,off,nonsense', 'https://a.example, off,', ['nonsense']],
    [' direct ', 'direct,'],
  ]
  for (const [text, members, unread = []] of cases) {
    const list = parseProxyList(text)
    assert.equal(list.members.map(({ url, next }) => url + next).join(' '), members, text)
    assert.deepEqual(list.unread, unread, text)
  }
})

test('G10 what is no list', () => {
  for (const text of ['', ' ', ',', '|,|', ' , ']) assert.throws(() => parseProxyList(text), /no entries/)
  const wrong: [text: string, why: RegExp][] = [
    ['direct+https://a.example', /"direct\+https:\/\/a\.example": the scheme must be https, http or file/],
    ['https://a.example,direct+https://b.example', /the scheme must be/],
    ['ftp://a.example', /the scheme must be/],
    ['proxy', /neither direct, off nor a URL/],
    ['Direct', /neither direct, off nor a URL/],
    ['none', /neither direct, off nor a URL/],
    ['/srv/modules', /neither direct, off nor a URL/],
    ['file://host/srv', /a file URL has a path and nothing else/],
    ['file:///srv?x', /a file URL has a path and nothing else/],
    ['https://', /is no URL/],
    ['https://a b', /is no URL/],
    ['https:/a.example', /is no URL/],
    ['https:///a.example', /is no URL/],
    ['https:\\\\a.example', /is no URL/],
    ['https://a.example\\x', /is no URL/],
    ['https://u:secret@a.example:x', /"https:\/\/a\.example:x" is no URL/],
  ]
  for (const [text, why] of wrong) {
    assert.throws(
      () => parseProxyList(text),
      (error) => error instanceof RangeError && why.test(error.message) && !error.message.includes('secret'),
      text,
    )
  }
})

test('the text of a URL without its credentials', () => {
  for (const [url, shown] of [
    ['https://u:p@a.example/x@y', 'https://a.example/x@y'],
    ['https://u:p@q@a.example', 'https://a.example'],
    ['https://a.example/@v', 'https://a.example/@v'],
    ['u:p@a.example', 'a.example'],
    ['a.example/x', 'a.example/x'],
    ['direct', 'direct'],
  ] as const)
    assert.equal(withoutCredentials(url), shown)
})
