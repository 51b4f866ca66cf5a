import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { requireProgram } from '../support/peers/require-program.ts'

const generator = path.join(import.meta.dirname, 'generate')
const kept = path.join(import.meta.dirname, 'vectors')
// What is not in the module cache is not asked for.
const env = { ...process.env, GOPROXY: 'off', GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly', GOWORK: 'off' }

test('the vectors are what golang.org/x/mod prints', (t) => {
  if (!requireProgram(t, 'go')) return
  const cached = spawnSync('go', ['list', '-deps', '.'], { cwd: generator, env, encoding: 'utf8' })
  if (cached.status !== 0) {
    t.skip(`golang.org/x/mod is not in the module cache: ${cached.stderr.trim().split('\n', 1)[0]}`)
    return
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'vectors-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const run = spawnSync('go', ['run', '.', folder], { cwd: generator, env, encoding: 'utf8' })
  assert.equal(run.status, 0, run.stderr)
  assert.deepEqual(readdirSync(folder).toSorted(), readdirSync(kept).toSorted())
  for (const name of readdirSync(folder))
    assert.equal(readFileSync(path.join(folder, name), 'utf8'), readFileSync(path.join(kept, name), 'utf8'), name)
})
