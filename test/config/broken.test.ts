import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigError } from '../../src/config/errors.ts'
import { loadConfig } from '../../src/config/load.ts'

// Each broken config has its errors beside it: `line:column CODE message` a line, further lines of a message below.
const folder = join(import.meta.dirname, 'broken')
const secret = 'sesame-open'
const files = readdirSync(folder).filter((name) => /\.(?:yaml|json|ts)$/.test(name))

test('there are broken configs of every kind', () => {
  for (const kind of ['yaml', 'json', 'ts']) assert.ok(files.filter((name) => name.endsWith(kind)).length >= 4, kind)
  assert.ok(files.length >= 35)
})

for (const name of files) {
  test(`${name} is refused with every error in its place`, async () => {
    const error = await faultOf(name)
    const found = error.problems.map(({ line, column, code, message }) =>
      `${line}:${column} ${code} ${message}`.trimEnd(),
    )
    assert.equal(`${found.join('\n')}\n`, readFileSync(join(folder, `${name}.expected`), 'utf8'))
    // What the environment holds, and what stands where a secret belongs, is never shown.
    assert.doesNotMatch(
      JSON.stringify(error.problems) + error.message + String(error.stack),
      /sesame|31415926535|hunter2/,
    )
  })
}

test('an error renders as file:line:column: message [CODE]', async () => {
  const error = await faultOf('duplicate-key.yaml')
  assert.equal(error.message, 'duplicate-key.yaml:9:1: the key "log" stands twice in one mapping [ERR_CONFIG_SYNTAX]')
  assert.equal(error.code, 'ERR_CONFIG_SYNTAX')
})

async function faultOf(name: string): Promise<ConfigError> {
  const loaded = loadConfig(name, { cwd: folder, env: { TURNPIKE_TEST_SECRET: secret } })
  const error: unknown = await loaded.then(
    () => `${name} was accepted`,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof ConfigError, String(error))
  return error
}
