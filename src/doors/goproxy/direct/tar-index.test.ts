import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { TestRepository } from '../../../../test/support/goproxy/test-repository.ts'
import { TurnpikeError } from '../../../core/error.ts'
import { MemoryAccess } from '../../../gomod/zip/random-access.ts'
import { readTarIndex } from './tar-index.ts'

function archive(t: TestContext): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-tar-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const repository = new TestRepository(join(folder, 'x'))
  repository.commit({
    'a.txt': 'hello\n',
    'empty.txt': '',
    link: { link: 'a.txt' },
    'run.sh': { executable: '#!/bin/sh\n' },
    [`${'d'.repeat(200)}/${'ü'.repeat(100)}.txt`]: 'long\n',
  })
  return execFileSync('git', ['archive', '--format=tar', 'HEAD'], { cwd: repository.folder, maxBuffer: 2 ** 24 })
}

test('the archive that git writes is read: files, links, folders, long names', async (t) => {
  const bytes = archive(t)
  const entries = await readTarIndex(new MemoryAccess(bytes))
  const found = entries.map(({ path, type, size }) => `${type} ${path.replaceAll(/(.)\1{50,}/gu, '$1…')} ${size}`)
  assert.deepEqual(found.toSorted(), [
    'directory d…/ 0',
    'file a.txt 6',
    'file d…/ü….txt 5',
    'file empty.txt 0',
    'file run.sh 10',
    'symlink link 0',
  ])
  const file = entries.find(({ path }) => path === 'a.txt')!
  assert.equal(bytes.toString('utf8', file.position, file.position + file.size), 'hello\n')
})

function wrong(error: unknown): true {
  assert.ok(error instanceof TurnpikeError || error instanceof RangeError, String(error))
  return true
}

test('an archive that is cut or damaged anywhere is an error or what it says, never anything else', async (t) => {
  const bytes = archive(t)
  await assert.rejects(readTarIndex(new MemoryAccess(bytes.subarray(0, 1024))), wrong)
  for (let at = 0; at < bytes.length; at += 37) {
    const damaged = Buffer.from(bytes)
    damaged[at] = damaged[at]! ^ 0x55
    try {
      assert.ok((await readTarIndex(new MemoryAccess(damaged))).length <= 8)
    } catch (error) {
      wrong(error)
    }
  }
})
