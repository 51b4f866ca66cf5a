import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readNetrc } from './netrc.ts'

test('a netrc file is read as the go command and curl read it', () => {
  const text = `# a comment
machine one.test login ada password "two words \\"quoted\\""
machine two.test
\tlogin bob
\taccount ignored
\tpassword p#ss
macdef init
machine inside.test login no password no

machine half.test login nobody
machine three.test login carol password three
default login guest password any
machine behind.test login no password no
`
  assert.deepEqual(readNetrc(text), [
    { host: 'one.test', login: 'ada', password: 'two words "quoted"' },
    { host: 'two.test', login: 'bob', password: 'p#ss' },
    { host: 'three.test', login: 'carol', password: 'three' },
  ])
})

test('what is cut short or empty has no logins', () => {
  for (const text of ['', 'machine', 'machine x.test', 'machine x.test login', 'login x password y', 'macdef x\n']) {
    assert.deepEqual(readNetrc(text), [], text)
  }
})
