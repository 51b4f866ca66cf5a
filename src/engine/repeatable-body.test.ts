import assert from 'node:assert/strict'
import test from 'node:test'
import { Headers } from '../core/headers.ts'
import { Random } from '../../test/sim/random.ts'
import type { BodySink, BodySource } from './body.ts'
import { RepeatableBody } from './repeatable-body.ts'

/** Writes what it has, with memory that is spoilt as soon as it is its own again. */
class Source implements BodySource {
  readonly length = -1
  waiting = false
  over = false
  private sink!: BodySink
  private readonly pieces: Buffer[]

  constructor(pieces: Buffer[]) {
    this.pieces = pieces
  }

  start(sink: BodySink): void {
    this.sink = sink
  }

  step(): void {
    if (this.waiting || this.over) return
    const piece = this.pieces.shift()
    if (piece === undefined) {
      this.over = true
      this.sink.end(Headers.from([['x', 'y']]))
      return
    }
    const memory = Buffer.from(piece)
    if (this.sink.write(memory, 0, memory.length)) memory.fill(0xee)
    else this.waiting = true
  }

  resume(): void {
    assert.equal(this.waiting, true, 'resumed without having been told to wait')
    this.waiting = false
  }

  cancel(): void {}
}

class Sink implements BodySink {
  readonly chunks: Buffer[] = []
  held = false
  trailers: Headers | null | undefined
  private readonly holds: () => boolean

  constructor(holds: () => boolean) {
    this.holds = holds
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    assert.equal(this.held, false, 'a write while the sink was waiting')
    assert.equal(this.trailers, undefined, 'a write after the end')
    this.chunks.push(Buffer.from(bytes.subarray(start, end)))
    this.held = this.holds()
    return !this.held
  }

  end(trailers: Headers | null): void {
    assert.equal(this.trailers, undefined, 'a second end')
    this.trailers = trailers
  }

  abort(): void {
    assert.fail('aborted')
  }

  flush(): void {}
}

test('a body that is started again arrives whole, whenever its first sinks went away', () => {
  for (let seed = 1; seed <= 500; seed++) {
    const random = new Random(seed)
    const pieces = Array.from({ length: random.between(0, 12) }, (_, at) => Buffer.alloc(random.between(1, 5000), at))
    const whole = Buffer.concat(pieces)
    const source = new Source([...pieces])
    const body = new RepeatableBody(source)
    let sinks = random.between(1, 4)
    let sink: Sink | null = null
    for (let round = 0; round < 1000 && sink?.trailers === undefined; round++) {
      if (sink === null) {
        sink = new Sink(() => random.chance(0.3))
        body.start(sink)
      } else if (sinks > 1 && random.chance(0.1)) {
        body.detach()
        sinks--
        // The source goes on meanwhile.
        for (let more = random.between(0, 3); more > 0; more--) source.step()
        sink = null
      } else if (sink.held && random.chance(0.5)) {
        sink.held = false
        body.resume()
      } else source.step()
      if (sinks === 1 && sink !== null && random.chance(0.1)) body.settle()
    }
    assert.ok(sink !== null && Buffer.concat(sink.chunks).equals(whole), `seed ${seed}`)
    assert.equal(sink.trailers?.get('x'), 'y', `seed ${seed}`)
  }
})

test('a body can be started again only while its beginning is kept, and no reply has come', () => {
  const large = new RepeatableBody(new Source([]))
  large.start(new Sink(() => false))
  assert.equal(large.repeatable, true)
  large.write(Buffer.alloc(60_000), 0, 60_000)
  assert.equal(large.repeatable, true)
  large.write(Buffer.alloc(60_000), 0, 60_000)
  assert.equal(large.repeatable, false)
  const answered = new RepeatableBody(new Source([]))
  answered.start(new Sink(() => false))
  answered.settle()
  assert.equal(answered.repeatable, false)
})
