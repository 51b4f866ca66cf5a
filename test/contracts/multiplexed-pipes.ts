import assert from 'node:assert/strict'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import type { BodySink } from '../../src/engine/body.ts'
import { Random } from '../sim/random.ts'
import type { BodyPipe, MakePipes } from './body.ts'
import { Multiplexed, type MultiplexedStream } from './multiplexed.ts'

/** Streams beside the one that is tested: one busy in both directions, one whose reader never reads. */
const [BUSY, TESTED, STUCK] = [1, 3, 5] as const
const BUSY_BYTES = 40_000

/** Streams of one connection in memory, the tested one among others, bytes moved at random splits. */
export const multiplexedPipes: MakePipes = async () => {
  const random = new Random(5)
  const wires = { up: new Wire(random), down: new Wire(random) }
  const client = new Multiplexed((bytes) => wires.up.send(bytes))
  const server = new Multiplexed((bytes) => wires.down.send(bytes))
  const move = (): boolean => {
    const turns = [client.turn(), server.turn(), wires.up.move(server), wires.down.move(client)]
    return turns.includes(true)
  }
  const settle = async (): Promise<void> => {
    while (move()) await turnOfTheLoop()
  }
  const busy = [keepBusy(client.stream(BUSY), server.stream(BUSY)), keepBusy(server.stream(BUSY), client.stream(BUSY))]
  const stuck = Buffer.alloc(100_000)
  client.stream(STUCK).write(stuck, 0, stuck.length)
  const close = async (): Promise<void> => {
    await settle()
    for (const each of busy) assert.equal(each.isWhole(), true, 'the body of another stream is not whole')
  }
  return {
    request: pipe(client.stream(TESTED), server.stream(TESTED)),
    reply: pipe(server.stream(TESTED), client.stream(TESTED)),
    settle,
    close,
  }
}

function pipe(from: MultiplexedStream, to: MultiplexedStream): BodyPipe {
  const made: BodyPipe = { sink: from, source: to, ready: () => {}, gone: () => {} }
  from.ready = () => made.ready()
  from.gone = () => made.gone()
  return made
}

function keepBusy(from: MultiplexedStream, to: MultiplexedStream): { isWhole(): boolean } {
  const body = Buffer.from(Array.from({ length: BUSY_BYTES }, (_, at) => (at * 7) & 0xff))
  const received: Buffer[] = []
  let ended = false
  const sink: BodySink = {
    write: (bytes, start, end) => {
      received.push(Buffer.from(bytes.subarray(start, end)))
      return true
    },
    end: () => {
      ended = true
    },
    abort: () => assert.fail('another stream was aborted'),
    flush: () => {},
  }
  to.start(sink)
  from.write(body, 0, body.length)
  from.end(null)
  return { isWhole: () => ended && Buffer.concat(received).equals(body) }
}

/** One direction of the run of bytes that all streams share. */
class Wire {
  private bytes: Buffer = Buffer.alloc(0)
  private readonly random: Random

  constructor(random: Random) {
    this.random = random
  }

  send(bytes: Buffer): void {
    this.bytes = Buffer.concat([this.bytes, bytes])
  }

  /** Brings some of it to the other end; false where there is nothing. */
  move(to: Multiplexed): boolean {
    if (this.bytes.length === 0) return false
    const size = Math.min(this.bytes.length, this.random.pick([1, 7, 3000, 50_000]))
    const piece = this.bytes.subarray(0, size)
    this.bytes = this.bytes.subarray(size)
    to.receive(piece)
    return true
  }
}
