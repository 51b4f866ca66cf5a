import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkModuleZip } from '../../src/gomod/zip/check-zip.ts'
import { ModuleZipError } from '../../src/gomod/zip/module-zip-error.ts'
import { MemoryAccess } from '../../src/gomod/zip/random-access.ts'
import { makeModule } from '../support/goproxy/module-fixtures.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import { Random } from '../fuzz/random.ts'
import vectors from './zip-vectors.json' with { type: 'json' }

const { module, version } = vectors
const generator = join(import.meta.dirname, 'generate-zip')
const env = { ...process.env, GOPROXY: 'off', GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly', GOWORK: 'off' }

const CASES = 1500
/** Numbers that fields of a zip turn on. */
const telling = [0, 1, 2, 8, 0x7f, 0x80, 0xff]

test('G21 G23 of mutated zips none is taken that golang.org/x/mod refuses, and none with another h1', async (t) => {
  if (!requireProgram(t, 'go')) return
  const cached = spawnSync('go', ['list', '-deps', '.'], { cwd: generator, env, encoding: 'utf8' })
  if (cached.status !== 0) return t.skip('golang.org/x/mod is not in the module cache')
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-mutations-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const { zip } = await makeModule(module, version, {
    files: { 'a.go': 'package vector\n', 'b/c.txt': 'c'.repeat(300), 'b/empty': '', 'd.bin': Buffer.alloc(50, 7) },
  })
  const random = new Random(21)
  const taken = new Map<string, string>()
  for (let at = 0; at < CASES; at++) {
    const mutated = mutate(zip, random)
    const name = `${at}.zip`
    writeFileSync(join(folder, name), mutated)
    try {
      taken.set(name, (await checkModuleZip(new MemoryAccess(mutated), module, version)).h1)
    } catch (error) {
      if (!(error instanceof ModuleZipError)) throw error
    }
  }
  const run = spawnSync('go', ['run', '.', folder], { cwd: generator, env, encoding: 'utf8' })
  assert.equal(run.status, 0, run.stderr)
  const verdicts: Record<string, string> = JSON.parse(run.stdout)
  for (const [name, h1] of taken) assert.equal(verdicts[name], h1, name)
  const byGo = Object.values(verdicts).filter((h1) => h1 !== '').length
  assert.ok(taken.size > 50 && byGo < CASES, `${taken.size} taken, ${byGo} by Go`)
})

/** Some bytes changed, a run moved, or one end cut or grown. */
function mutate(zip: Buffer, random: Random): Buffer {
  const mutated = Buffer.from(zip)
  const changes = 1 + random.below(3)
  for (let change = 0; change < changes; change++) {
    mutated[random.below(zip.length)] = random.below(2) === 0 ? random.pick(telling) : random.below(256)
  }
  if (random.below(10) === 0) {
    const [from, to, length] = [random.below(zip.length), random.below(zip.length), random.below(100)]
    mutated.copy(mutated, to, from, from + length)
  }
  if (random.below(20) === 0) return Buffer.concat([mutated, Buffer.alloc(random.below(30))])
  if (random.below(20) === 0) return Buffer.concat([Buffer.alloc(random.below(30)), mutated])
  return mutated
}
