import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { requireProgram } from '../support/peers/require-program.ts'

const settings = {
  cwd: path.join(import.meta.dirname, 'generate'),
  // What is not in the module cache is not asked for.
  env: { ...process.env, GOPROXY: 'off', GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly', GOWORK: 'off' },
  encoding: 'utf8',
} as const

/** Whether Go and golang.org/x/mod are there; else the test is skipped. */
export function generatorReady(t: TestContext): boolean {
  if (!requireProgram(t, 'go')) return false
  const { status, stderr } = spawnSync('go', ['list', '-deps', '.'], settings)
  if (status !== 0) t.skip(`golang.org/x/mod is not in the module cache: ${stderr.trim().split('\n', 1)[0]}`)
  return status === 0
}

/** Has the vectors printed into a folder, of its own inputs or those of a file. */
export function runGenerator(folder: string, ...inputs: string[]): void {
  const { status, stderr } = spawnSync('go', ['run', '.', folder, ...inputs], settings)
  assert.equal(status, 0, stderr)
}
