import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realWorld } from '../../../engine/real-world.ts'
import { StoreTrouble } from '../library/store-trouble.ts'
import { MemoryDocuments } from '../store/memory-documents.ts'
import { HeadTimes } from './head-times.ts'

const HOUR = 3_600_000

test('a record is as old as the first head that had it, by the hour, for every process of a store', async () => {
  let nowMs = 1000
  const world = { wallClock: () => nowMs }
  const documents = new MemoryDocuments(realWorld())
  const open = (): HeadTimes => new HeadTimes(world, documents, 'heads', new StoreTrouble(() => {}))
  const times = open()
  assert.equal(await times.timeOf(0), Infinity)
  await times.see(10)
  nowMs += HOUR / 2
  await times.see(11)
  assert.equal(await times.timeOf(9), 1000)
  assert.equal(await times.timeOf(10), Infinity, 'what came within the hour is written down with the next')
  nowMs += HOUR
  const other = open()
  await other.see(12)
  await times.see(12)
  await other.see(5)
  for (const each of [times, other, open()]) {
    assert.deepEqual(await Promise.all([0, 9, 10, 11, 12].map((id) => each.timeOf(id))), [
      1000,
      1000,
      nowMs,
      nowMs,
      Infinity,
    ])
  }
  assert.equal((await documents.get('heads'))?.bytes.toString(), `10 1000\n12 ${nowMs}\n`)
})
