import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PreparedReply } from './prepared-reply.ts'
import { WarmReplies, type WarmReply } from './warm-replies.ts'

function reply(bytes: number, module = 'example.com/a', version = ''): WarmReply {
  const parts = { bytes: Buffer.alloc(bytes), type: 'text/plain', cacheControl: 'public', modifiedMs: 0, ranges: false }
  return { reply: new PreparedReply(parts), route: 'goproxy:list', module, version }
}

function table(mostBytes?: number) {
  const clock = { nowMs: 1000 }
  const used: string[] = []
  const warm = new WarmReplies(
    { now: () => clock.nowMs },
    (module, version) => used.push(`${module}@${version}`),
    mostBytes,
  )
  return { warm, clock, used }
}

test('a reply is found by its target until it is no longer fresh', () => {
  const { warm, clock } = table()
  const kept = reply(10)
  warm.keep('/a', kept, 2000)
  warm.keep('/b', reply(10), Infinity)
  assert.equal(warm.find('/a')?.reply, kept.reply)
  assert.equal(warm.find('/c'), undefined)
  clock.nowMs = 2000
  assert.equal(warm.find('/a'), undefined)
  assert.notEqual(warm.find('/b'), undefined)
})

test('never more bytes than the bound; what was asked for since stays longest', () => {
  const { warm } = table(100_000)
  warm.keep('/hot', reply(5000), Infinity)
  for (let each = 0; each < 200; each++) {
    warm.keep(`/cold/${each}`, reply(5000), Infinity)
    assert.notEqual(warm.find('/hot'), undefined, `after ${each}`)
  }
  const left = Array.from({ length: 200 }, (_, each) => warm.find(`/cold/${each}`)).filter((each) => each !== undefined)
  assert.ok(left.length > 5 && left.length * 6000 < 100_000, `${left.length} are left`)
})

test('one that is too large, or fresh no longer, is not kept; a newer one replaces', () => {
  const { warm } = table(100_000)
  warm.keep('/large', reply(20_000), Infinity)
  warm.keep('/old', reply(1), 1000)
  assert.equal(warm.find('/large'), undefined)
  assert.equal(warm.find('/old'), undefined)
  for (let each = 0; each < 1000; each++) warm.keep('/same', reply(5000), Infinity)
  warm.keep('/other', reply(5000), Infinity)
  assert.notEqual(warm.find('/same'), undefined)
})

test('use of a version is told once a minute, that of a list never', () => {
  const { warm, clock, used } = table()
  warm.keep('/mod', reply(1, 'example.com/a', 'v1.0.0'), Infinity)
  warm.keep('/list', reply(1), Infinity)
  for (let second = 0; second < 180; second++) {
    clock.nowMs += 1000
    warm.find('/mod')
    warm.find('/list')
  }
  assert.deepEqual(used, Array(3).fill('example.com/a@v1.0.0'))
})

test('what is kept of a module can be let go of', () => {
  const { warm } = table()
  warm.keep('/a', reply(1), Infinity)
  warm.keep('/b', reply(1, 'example.com/b'), Infinity)
  warm.forget('example.com/a')
  assert.equal(warm.find('/a'), undefined)
  assert.notEqual(warm.find('/b'), undefined)
})
