import assert from 'node:assert/strict'
import { test } from 'node:test'
import { format, inspect } from 'node:util'
import { Secret } from './secret.ts'

test('a secret shows nowhere but where it is asked for', () => {
  const secret = Secret.of('sesame')
  const shown = [
    String(secret),
    JSON.stringify({ secret }),
    inspect({ secret }),
    format('%s %o %j', secret, secret, secret),
  ]
  for (const text of shown) assert.doesNotMatch(text, /sesame/)
  assert.equal(JSON.stringify({ secret }), '{"secret":"[secret]"}')
  assert.equal(secret.reveal(), 'sesame')
})

test('a secret from a file loses the newline at its end, and only that', () => {
  const secret = Secret.inFile('token')
  assert.throws(() => secret.reveal(), /not read/)
  secret.fill(' sesame \n')
  assert.equal(secret.reveal(), ' sesame ')
  secret.fill('sesame\r\n')
  assert.equal(secret.reveal(), 'sesame')
})
