import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TurnpikeError } from '../../src/core/error.ts'
import { Headers } from '../../src/core/headers.ts'
import type { BodySink, BodySource } from '../../src/engine/body.ts'
import { Random } from '../sim/random.ts'

/** One direction of an implementation: what is written into the sink comes out of the source. */
export interface BodyPipe {
  sink: BodySink
  source: BodySource
  /** Set by the contract: the sink can take more, after a `write` that returned false. */
  ready: () => void
  /** Set by the contract: the reader is gone, nothing more need be written. */
  gone: () => void
}

/** Both directions of one exchange over an implementation, and how to let time pass. */
export interface Pipes {
  request: BodyPipe
  reply: BodyPipe
  /** Lets everything move that can. */
  settle(): Promise<void>
  /** Ends it, and fails where something is left. */
  close(): Promise<void>
}

/** What an implementation can say of a body. */
export interface BodyTraits {
  /** Most bytes that one direction holds while its reader waits, both kernels included. */
  holds: number
  /** The reader learns the length in advance. */
  knowsLength: boolean
  trailers: boolean
}

/** Opens both directions, each for a body of that many bytes. */
export type MakePipes = (sizes: { request: number; reply: number }) => Promise<Pipes>

const PIECE = 10_000

/** Takes a body as a careful owner of memory would: copies at once, and says no when told to. */
class Taker implements BodySink {
  received: Buffer[] = []
  bytes = 0
  ends = 0
  aborts = 0
  trailers: Headers | null = null
  /** Whether to hold the writer up, asked at each write. */
  holds: () => boolean = () => false
  held: { bytes: Buffer; start: number; end: number; copy: Buffer } | null = null
  private readonly source: BodySource

  constructor(source: BodySource) {
    this.source = source
  }

  get all(): Buffer {
    return Buffer.concat(this.received)
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    assert.equal(this.held, null, 'a write while the sink was waiting')
    assert.equal(this.ends + this.aborts, 0, 'a write after the end')
    const copy = Buffer.from(bytes.subarray(start, end))
    this.received.push(copy)
    this.bytes += copy.length
    if (!this.holds()) return true
    this.held = { bytes, start, end, copy }
    return false
  }

  end(trailers: Headers | null): void {
    this.ends++
    this.trailers = trailers
  }

  abort(): void {
    this.aborts++
  }

  flush(): void {}

  /** Lets the source go on; what it lent must not have changed. */
  resume(): void {
    const { held } = this
    if (held === null) return
    this.held = null
    assert.ok(
      held.bytes.subarray(held.start, held.end).equals(held.copy),
      'memory that the sink still held was changed',
    )
    this.source.resume()
  }
}

/** Writes a body as a producer with one buffer would: it spoils the memory as soon as it is its own again. */
class Giver {
  written = 0
  waiting = false
  gone = false
  private readonly pipe: BodyPipe
  private readonly body: Buffer
  private readonly pieces: () => number
  private readonly trailers: Headers | null
  private lent: Buffer | null = null
  private until = 0

  constructor(pipe: BodyPipe, body: Buffer, pieces: () => number = () => PIECE, trailers: Headers | null = null) {
    this.pipe = pipe
    this.body = body
    this.pieces = pieces
    this.trailers = trailers
    pipe.ready = () => this.resume()
    pipe.gone = () => {
      this.gone = true
    }
  }

  /** Writes up to a point, by default all of it, as far as the sink does not say no. */
  write(until = this.body.length): void {
    this.until = until
    this.goOn()
  }

  private goOn(): void {
    const { body, pipe, until } = this
    while (!this.waiting && !this.gone && this.written < until) {
      const size = Math.min(until - this.written, this.pieces())
      const margin = 3
      const memory = Buffer.alloc(size + 2 * margin, 0xee)
      body.copy(memory, margin, this.written, this.written + size)
      this.written += size
      if (pipe.sink.write(memory, margin, margin + size)) memory.fill(0xee)
      else {
        this.waiting = true
        this.lent = memory
      }
    }
    if (until === body.length && this.written === until && !this.gone) {
      pipe.sink.end(this.trailers)
      this.gone = true
    }
    pipe.sink.flush()
  }

  private resume(): void {
    assert.equal(this.waiting, true, 'resumed without having been told to wait')
    this.waiting = false
    this.lent?.fill(0xee)
    this.lent = null
    this.goOn()
  }
}

const content = (size: number, seed = 1): Buffer => {
  const random = new Random(seed)
  return Buffer.from(Array.from({ length: size }, () => random.between(0, 255)))
}

/** Runs the contract of body.ts against both directions of an implementation. */
export function bodyContract(name: string, traits: { request: BodyTraits; reply: BodyTraits }, make: MakePipes): void {
  describe(`bodies: ${name}`, () => {
    for (const direction of ['request', 'reply'] as const) holdsFor(direction, traits[direction], make)
    independent(make)
  })
}

async function finish(pipes: Pipes): Promise<void> {
  await pipes.settle()
  await pipes.close()
}

function holdsFor(direction: 'request' | 'reply', traits: BodyTraits, make: MakePipes): void {
  const open = async (size: number): Promise<{ pipes: Pipes; pipe: BodyPipe; taker: Taker }> => {
    const pipes = await make({ request: 0, reply: 0, [direction]: size })
    const pipe = pipes[direction]
    if (direction === 'reply') {
      pipes.request.source.start(new Taker(pipes.request.source))
      new Giver(pipes.request, Buffer.alloc(0)).write()
    }
    return { pipes, pipe, taker: new Taker(pipe.source) }
  }
  describe(direction, () => {
    test('a body arrives whole and in order, and ends once', async () => {
      const { pipes, pipe, taker } = await open(25_000)
      const body = content(25_000)
      assert.equal(pipe.source.length, traits.knowsLength ? 25_000 : -1)
      pipe.source.start(taker)
      new Giver(pipe, body).write()
      await pipes.settle()
      assert.ok(taker.all.equals(body))
      assert.deepEqual([taker.ends, taker.aborts], [1, 0])
      assert.equal(taker.trailers, null)
      await finish(pipes)
    })

    test('an empty body ends without a write', async () => {
      const { pipes, pipe, taker } = await open(0)
      pipe.source.start(taker)
      new Giver(pipe, Buffer.alloc(0)).write()
      await pipes.settle()
      assert.deepEqual([taker.received.length, taker.ends, taker.aborts], [0, 1, 0])
      await finish(pipes)
    })

    test('what is written before anybody reads is kept, and read later', async () => {
      const { pipes, pipe, taker } = await open(9000)
      const body = content(9000)
      new Giver(pipe, body).write()
      await pipes.settle()
      pipe.source.start(taker)
      await pipes.settle()
      assert.ok(taker.all.equals(body))
      assert.equal(taker.ends, 1)
      await finish(pipes)
    })

    test('H21 a reader that waits stops the writer, with bounded memory in between', async () => {
      const size = 3_000_000
      const { pipes, pipe, taker } = await open(size)
      const body = Buffer.alloc(size, 'a')
      taker.holds = () => true
      pipe.source.start(taker)
      const giver = new Giver(pipe, body)
      giver.write()
      await pipes.settle()
      assert.equal(giver.waiting, true)
      assert.equal(taker.received.length, 1)
      for (let round = 0; taker.ends === 0 && round < 3000; round++) {
        assert.ok(giver.written - taker.bytes <= traits.holds, `${giver.written - taker.bytes} bytes are held`)
        taker.resume()
        await pipes.settle()
      }
      assert.equal(taker.bytes, size)
      assert.equal(taker.ends, 1)
      await finish(pipes)
    })

    test('the memory of a write is the writer’s after true, and the sink’s after false', async () => {
      const size = 1_000_000
      const { pipes, pipe, taker } = await open(size)
      const body = content(size)
      let writes = 0
      taker.holds = () => ++writes % 3 === 0
      pipe.source.start(taker)
      new Giver(pipe, body, () => 70_000).write()
      for (let round = 0; taker.ends === 0 && round < 1000; round++) {
        await pipes.settle()
        taker.resume()
      }
      assert.ok(taker.all.equals(body))
      await finish(pipes)
    })

    test('writes of every size, readers of every mood', async () => {
      for (let seed = 1; seed <= 12; seed++) {
        const random = new Random(seed)
        const size = random.pick([1, 2, 15, 16, 255, 4095, 4096, 16_383, 16_384, 16_385, 65_535, 65_536, 200_000])
        const { pipes, pipe, taker } = await open(size)
        const body = content(size, seed)
        taker.holds = () => random.chance(0.3)
        pipe.source.start(taker)
        new Giver(pipe, body, () => random.pick([random.between(1, 50) * 20, 16_384, 40_000])).write()
        for (let round = 0; taker.ends === 0 && round < 2000; round++) {
          await pipes.settle()
          taker.resume()
        }
        assert.ok(taker.all.equals(body), `seed ${seed}`)
        assert.equal(taker.ends, 1, `seed ${seed}`)
        await finish(pipes)
      }
    })

    test(`trailers ${traits.trailers ? 'arrive with the end' : 'are dropped where there is no place for them'}`, async () => {
      const { pipes, pipe, taker } = await open(100)
      pipe.source.start(taker)
      new Giver(pipe, content(100), undefined, Headers.from([['X-Checksum', 'abc']])).write()
      await pipes.settle()
      assert.equal(taker.ends, 1)
      assert.equal(taker.trailers?.get('x-checksum'), traits.trailers ? 'abc' : undefined)
      await finish(pipes)
    })

    test('H7 an aborted body aborts its reader: it never looks complete', async () => {
      const { pipes, pipe, taker } = await open(50_000)
      pipe.source.start(taker)
      new Giver(pipe, content(50_000)).write(20_000)
      await pipes.settle()
      pipe.sink.abort(new TurnpikeError('ERR_UPSTREAM_TRUNCATED'))
      await pipes.settle()
      assert.deepEqual([taker.ends, taker.aborts], [0, 1])
      await finish(pipes)
    })

    test('a cancelled body says nothing more to its sink, and does not hold its writer for ever', async () => {
      const size = 400_000
      const { pipes, pipe, taker } = await open(size)
      const giver = new Giver(pipe, content(size))
      taker.holds = () => true
      pipe.source.start(taker)
      giver.write()
      await pipes.settle()
      pipe.source.cancel(new TurnpikeError('ERR_CLIENT_ABORT'))
      const { bytes } = taker
      await pipes.settle()
      assert.deepEqual([taker.bytes, taker.ends, taker.aborts], [bytes, 0, 0])
      assert.equal(giver.gone, true, 'the writer waits for ever')
      await finish(pipes)
    })
  })
}

function independent(make: MakePipes): void {
  test('the two directions are independent: one ends, or waits, the other goes on', async () => {
    const pipes = await make({ request: 30_000, reply: 30_000 })
    const { request, reply } = pipes
    const [up, down] = [content(30_000, 1), content(30_000, 2)]
    const upTaker = new Taker(request.source)
    const downTaker = new Taker(reply.source)
    upTaker.holds = () => true
    request.source.start(upTaker)
    reply.source.start(downTaker)
    const upGiver = new Giver(request, up)
    upGiver.write(20_000)
    await pipes.settle()
    const downGiver = new Giver(reply, down)
    downGiver.write(20_000)
    await pipes.settle()
    assert.equal(downTaker.bytes, 20_000)
    upTaker.holds = () => false
    upTaker.resume()
    upGiver.write()
    await pipes.settle()
    assert.ok(upTaker.all.equals(up))
    assert.deepEqual([upTaker.ends, downTaker.ends, downTaker.aborts], [1, 0, 0])
    downGiver.write()
    await pipes.settle()
    assert.ok(downTaker.all.equals(down))
    assert.deepEqual([downTaker.ends, downTaker.aborts, upTaker.aborts], [1, 0, 0])
    await pipes.close()
  })
}
