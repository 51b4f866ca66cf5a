import assert from 'node:assert/strict'
import test from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { askHttp2, connectHttp2 } from '../support/http2-client.ts'
import { FramePeer, frame, headerBlock, request, settings, uint32 } from '../support/http2-frames.ts'
import { answering, startOrigin } from '../support/origin.ts'
import { Random } from '../sim/random.ts'

const SEEDS = 500

/** Frames that are almost right, in any order. */
function randomFrames(random: Random): Buffer[] {
  const one = (): Buffer => {
    const stream = random.pick([0, 1, 1, 3, 3, 5, 7, 9, 2])
    const flags = random.pick([0, 1, 4, 5, 5, 5, 0x2d])
    const bytes = Buffer.from(Array.from({ length: random.between(0, 40) }, () => random.between(0, 255)))
    switch (
      random.pick([
        'get',
        'get',
        'post',
        'trailers',
        'data',
        'data',
        'reset',
        'settings',
        'ping',
        'window',
        'goaway',
        'continuation',
        'priority',
        'garbage',
      ])
    ) {
      case 'get':
        return frame('headers', 5, stream, headerBlock(request()))
      case 'post':
        return frame('headers', random.pick([4, 4, 0]), stream, headerBlock([...request('POST'), ['te', 'trailers']]))
      case 'trailers':
        return frame('headers', flags, stream, headerBlock([['x-sum', '1']]))
      case 'data':
        return frame('data', random.pick([0, 1]), stream, bytes)
      case 'reset':
        return frame('rstStream', 0, stream, uint32(random.between(0, 14)))
      case 'settings':
        return settings([random.between(1, 8), random.pick([0, 1, 100, 65_535, 2 ** 31])])
      case 'ping':
        return frame('ping', random.pick([0, 0, 1]), 0, Buffer.alloc(8))
      case 'window':
        return frame('windowUpdate', 0, stream, uint32(random.pick([0, 1, 1000, 2 ** 31 - 1])))
      case 'goaway':
        return frame('goaway', 0, 0, Buffer.concat([uint32(random.between(0, 9)), uint32(random.pick([0, 0, 1, 11]))]))
      case 'continuation':
        return frame('continuation', flags, stream, headerBlock([['x-more', 'y']]))
      case 'priority':
        return frame('priority', 0, stream, [0, 0, 0, random.between(0, 9), 16])
      default:
        return random.chance(0.2) ? bytes : frame('headers', flags, stream, bytes)
    }
  }
  return Array.from({ length: random.between(1, 25) }, one)
}

test('W13 no frames end the process, nor leave anything behind', { timeout: 60_000 }, async (t) => {
  const origin = await startOrigin(
    t,
    answering(() => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n'),
  )
  // After some faults the codec reads no further, and says so to nobody: timers end what is left.
  const timeouts = { stall: '300ms', idle: '300ms', bodyProgress: '1KiB/300ms' }
  const gateway = await startGateway(t, { to: [origin.port], listener: { http2: true, timeouts } })
  const neighbour = await connectHttp2(t, gateway.port)
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new Random(seed)
    const client = await FramePeer.connect(gateway.port)
    for (const each of randomFrames(random)) {
      client.send(each)
      if (random.chance(0.3)) await new Promise((resolve) => setImmediate(resolve))
    }
    if (random.chance(0.5)) await new Promise((resolve) => setImmediate(resolve))
    if (random.chance(0.5)) client.peer.reset()
    else client.peer.socket.destroy()
  }
  assert.equal((await askHttp2(neighbour)).status, 200)
  neighbour.destroy()
  await gateway.when(() => gateway.count('exchanges') + gateway.count('clientSockets') === 0, 'everything to end')
})
