import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { HarFile } from './har-file.ts'

function place(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-har-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'flows.har')
}

const entry = (n: number, more = ''): string => JSON.stringify({ request: { n }, more })

function numbers(path: string): number[] {
  const har: { log: { version: string; entries: { request: { n: number } }[] } } = JSON.parse(
    readFileSync(path, 'utf8'),
  )
  assert.equal(har.log.version, '1.2')
  return har.log.entries.map(({ request }) => request.n)
}

test('a file is a whole HAR at every moment, for its owner alone, and gone on with', async (t) => {
  const path = place(t)
  let file = await HarFile.open(path, '1.0.0', 1e6)
  assert.deepEqual(numbers(path), [])
  assert.equal(statSync(path).mode & 0o777, 0o600)
  await file.append([entry(1)])
  assert.deepEqual(numbers(path), [1])
  await file.append([entry(2), entry(3)])
  assert.deepEqual(numbers(path), [1, 2, 3])
  await file.close()
  file = await HarFile.open(path, '2.0.0', 1e6)
  assert.deepEqual(numbers(path), [1, 2, 3])
  await file.append([entry(4)])
  assert.deepEqual(numbers(path), [1, 2, 3, 4])
  await file.close()
})

test('a file that was cut off at any byte is made whole with every entry that is in it', async (t) => {
  const path = place(t)
  const file = await HarFile.open(path, '1.0.0', 1e6)
  await file.append([entry(1), entry(2), entry(3, 'é\\n"')])
  await file.close()
  const whole = readFileSync(path)
  const ends = [entry(1), entry(2), entry(3, 'é\\n"')].map((text) => whole.indexOf(text) + Buffer.byteLength(text))
  for (let size = whole.indexOf('[') + 1; size < whole.length; size++) {
    writeFileSync(path, whole.subarray(0, size))
    const again = await HarFile.open(path, '1.0.0', 1e6)
    const found = numbers(path)
    assert.deepEqual(found, [1, 2, 3].slice(0, found.length), `cut at ${size}`)
    assert.equal(found.length, ends.filter((end) => end <= size).length, `cut at ${size}`)
    await again.append([entry(9)])
    assert.deepEqual(numbers(path), [...found, 9])
    await again.close()
  }
})

test('a write that was done in part leaves every entry of before', async (t) => {
  const path = place(t)
  const file = await HarFile.open(path, '1.0.0', 1e6)
  for (const before of [[], [1], [1, 2]]) {
    if (before.length > 0) await file.append([entry(before.at(-1)!)])
    const old = readFileSync(path)
    const at = old.length - Buffer.byteLength('\n]}}\n')
    const written = Buffer.from(`${before.length === 0 ? '' : ','}\n${entry(3)}\n]}}\n`)
    for (let done = 0; done <= written.length; done++) {
      const torn = Buffer.concat([old, Buffer.alloc(Math.max(0, at + done - old.length))])
      written.copy(torn, at, 0, done)
      const other = `${path}.${before.length}.${done}`
      writeFileSync(other, torn)
      await (await HarFile.open(other, '1.0.0', 1e6)).close()
      const found = numbers(other)
      assert.deepEqual(found.slice(0, before.length), before, `${done} bytes written`)
      assert.ok(found.length <= before.length + 1)
    }
  }
  await file.close()
})

test('the oldest go where it would grow too large; what is larger than the file may be is left out', async (t) => {
  const path = place(t)
  const file = await HarFile.open(path, '1.0.0', 2000)
  for (let n = 0; n < 100; n++) {
    await file.append([entry(n, 'x'.repeat(n % 50))])
    const left = numbers(path)
    assert.equal(left.at(-1), n)
    assert.ok(statSync(path).size <= 2000)
    assert.deepEqual(
      left,
      Array.from(left, (_, at) => left[0]! + at),
      'none is missing in between',
    )
  }
  assert.equal(statSync(path).mode & 0o777, 0o600)
  await file.append([entry(100, 'y'.repeat(1850))])
  assert.deepEqual(numbers(path), [100])
  assert.equal(await file.append([entry(101), entry(102, 'y'.repeat(2000)), entry(103)]), 1)
  assert.deepEqual(numbers(path), [101, 103])
  await file.close()
})

test('of two that write to one file, the one that comes too late leaves it whole', async (t) => {
  const path = place(t)
  const [first, second] = [await HarFile.open(path, '1.0.0', 1e6), await HarFile.open(path, '1.0.0', 1e6)]
  await first.append([entry(1)])
  await assert.rejects(second.append([entry(2)]), /another process/)
  await first.append([entry(3)])
  assert.deepEqual(numbers(path), [1, 3])
  await first.close()
  await second.close()
})

test('a file that another program wrote is left alone', async (t) => {
  const path = place(t)
  for (const text of ['{"log":{"version":"1.2","creator":{"name":"Firefox"},"entries":[]}}', 'notes', '\0']) {
    writeFileSync(path, text)
    await assert.rejects(HarFile.open(path, '1.0.0', 1e6), { code: 'ERR_FLOWS_FILE' })
    assert.equal(readFileSync(path, 'utf8'), text)
  }
  truncateSync(path)
  await (await HarFile.open(path, '1.0.0', 1e6)).close()
  await assert.rejects(HarFile.open(join(path, 'x'), '1.0.0', 1e6), { code: 'ERR_FLOWS_FILE', message: /ENOTDIR/ })
})
