import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { generatorReady, runGenerator } from './run-generator.ts'

const kept = path.join(import.meta.dirname, 'vectors')

test('the vectors are what golang.org/x/mod prints', (t) => {
  if (!generatorReady(t)) return
  const folder = mkdtempSync(path.join(tmpdir(), 'vectors-'))
  t.after(() => rmSync(folder, { recursive: true }))
  runGenerator(folder)
  const names = readdirSync(folder)
  assert.ok(names.length > 0)
  for (const name of names)
    assert.equal(readFileSync(path.join(folder, name), 'utf8'), readFileSync(path.join(kept, name), 'utf8'), name)
})
