import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { check } from '../../src/cli/check.ts'

// Configs that can be run and are odd, each with all that `check` prints of it beside it.
const folder = join(import.meta.dirname, 'odd')

for (const name of readdirSync(folder).filter((each) => each.endsWith('.yaml'))) {
  test(`check says what is odd about ${name}, and where`, async () => {
    let printed = ''
    const out = { write: (text: string) => (printed += text) }
    assert.equal(await check(['--config', name], { stdout: out, stderr: out, cwd: folder, env: {} }), 0)
    assert.equal(printed, readFileSync(join(folder, `${name}.expected`), 'utf8'))
  })
}
