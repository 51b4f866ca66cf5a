import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { BindAddress, ListeningSocket, Socket, World } from '../../src/engine/world.ts'

/** Where the contract is played. */
export interface Stage {
  world: World
  /** Port 0 or a path that is free. */
  address: BindAddress
  /** Lets the world go on until the condition holds; fails where it never does. */
  until(condition: () => boolean): Promise<void>
  /** Lets the world go on for a while in which nothing should happen. */
  settle(): Promise<void>
}

const BIG = 8 * 1024 * 1024

/** A side of a connection and everything that it was told, in order. */
class Side {
  readonly socket: Socket
  readonly events: string[] = []
  bytes = 0
  text = ''
  error: (Error & { code?: string }) | null = null
  constructor(socket: Socket) {
    this.socket = socket
  }

  took(chunk: Buffer): void {
    this.bytes += chunk.length
    if (this.text.length < 4096) this.text += chunk.toString('latin1')
    if (this.events.at(-1) !== 'data') this.events.push('data')
  }

  failed(error: Error): void {
    this.error = error
    this.events.push('error')
  }

  has(event: string): boolean {
    return this.events.includes(event)
  }
}

/** What the dialling side does with what it reads. Default: takes it, in the shared memory. */
interface Reader {
  read?: (length: number, buffer: Buffer) => boolean
  nextBuffer?: () => Buffer | null
}

interface Connection {
  dialled: Side
  accepted: Side
  listener: ListeningSocket
}

async function connect(stage: Stage, reader: Reader = {}, listen = true): Promise<Connection> {
  const { world } = stage
  let accepted: Side | null = null
  let isReady = false
  const listener = world.listen(stage.address, {
    ready: () => {
      isReady = true
    },
    failed: (error) => assert.fail(error),
    accept: (socket) => {
      const side = new Side(socket)
      accepted = side
      if (listen) socket.on('data', (chunk) => side.took(chunk))
      socket.on('end', () => side.events.push('end'))
      socket.on('error', (error) => side.failed(error))
      socket.on('close', () => side.events.push('close'))
    },
  })
  await stage.until(() => isReady)
  const dialled = dial(stage, listener.address(), reader)
  await stage.until(() => accepted !== null && dialled.has('connect'))
  return { dialled, accepted: accepted!, listener }
}

function dial(stage: Stage, address: BindAddress, reader: Reader = {}): Side {
  const socket: Socket = stage.world.dial(address, {
    connected: () => side.events.push('connect'),
    read: (length, buffer) => {
      side.took(buffer.subarray(0, length))
      return reader.read?.(length, buffer) ?? true
    },
    nextBuffer: () => reader.nextBuffer?.() ?? null,
    ended: () => side.events.push('end'),
    failed: (error) => side.failed(error),
    closed: () => side.events.push('close'),
  })
  const side: Side = new Side(socket)
  return side
}

async function finish({ dialled, accepted, listener }: Connection, stage: Stage): Promise<void> {
  dialled.socket.destroy()
  accepted.socket.destroy()
  await stage.until(() => dialled.has('close') && accepted.has('close'))
  await closeListener(listener, stage)
}

async function closeListener(listener: ListeningSocket, stage: Stage): Promise<void> {
  let closed = false
  listener.close(() => {
    closed = true
  })
  await stage.until(() => closed)
}

/** What the engine relies on in a world's sockets: played on simulated ones and on those of node:net. */
export function socketContract(name: string, open: () => Stage): void {
  const holds = (what: string, play: (stage: Stage) => Promise<void>): void => {
    test(what, () => play(open()))
  }

  describe(`sockets: ${name}`, () => {
    holds('bytes arrive in order, in both directions', async (stage) => {
      const connection = await connect(stage)
      const { dialled, accepted } = connection
      dialled.socket.write('one ', 'latin1')
      dialled.socket.write(Buffer.from('two'))
      accepted.socket.write('\xe9t\xe9', 'latin1')
      await stage.until(() => accepted.text === 'one two' && dialled.text === '\xe9t\xe9')
      await finish(connection, stage)
    })

    holds('what is written before the connection stands is sent when it does', async (stage) => {
      const connection = await connect(stage)
      const early = dial(stage, connection.listener.address())
      early.socket.write('early', 'latin1')
      assert.equal(early.socket.writableLength, 5)
      await stage.until(() => early.has('connect') && early.socket.writableLength === 0)
      early.socket.destroy()
      await stage.until(() => early.has('close'))
      await finish(connection, stage)
    })

    holds('what the kernel takes at once leaves nothing waiting; its callback comes later', async (stage) => {
      const connection = await connect(stage)
      const { dialled, accepted } = connection
      for (const { socket } of [dialled, accepted]) {
        let called = false
        assert.equal(
          socket.write(Buffer.alloc(100), () => {
            called = true
          }),
          true,
        )
        assert.equal(socket.writableLength, 0)
        assert.equal(called, false)
        await stage.until(() => called)
      }
      await finish(connection, stage)
    })

    holds('corked writes leave together at the uncork', async (stage) => {
      const connection = await connect(stage)
      const { dialled, accepted } = connection
      dialled.socket.cork()
      dialled.socket.write('head ', 'latin1')
      dialled.socket.write(Buffer.from('body'))
      assert.equal(dialled.socket.writableLength, 9)
      await stage.settle()
      assert.equal(accepted.bytes, 0)
      dialled.socket.uncork()
      assert.equal(dialled.socket.writableLength, 0)
      await stage.until(() => accepted.text === 'head body')
      await finish(connection, stage)
    })

    holds('H21 a peer that does not read holds the writer up, and its memory', async (stage) => {
      const connection = await connect(stage)
      const { dialled, accepted } = connection
      accepted.socket.pause()
      const memory = Buffer.alloc(BIG, 1)
      let called = false
      assert.equal(
        dialled.socket.write(memory, () => {
          called = true
        }),
        false,
      )
      await stage.settle()
      assert.equal(called, false)
      assert.ok(dialled.socket.writableLength > 0)
      memory.fill(2)
      let twos = 0
      accepted.socket.on('data', (chunk) => {
        if (chunk.includes(2)) twos++
      })
      accepted.socket.resume()
      await stage.until(() => accepted.bytes === BIG && called)
      assert.equal(dialled.socket.writableLength, 0)
      assert.ok(twos > 0, 'memory that is still to be written was copied')
      await finish(connection, stage)
    })

    holds('the callback of an empty write comes after everything before it has left', async (stage) => {
      const connection = await connect(stage)
      const { dialled, accepted } = connection
      accepted.socket.pause()
      let called = false
      dialled.socket.write(Buffer.alloc(BIG))
      dialled.socket.write(Buffer.alloc(0), () => {
        called = true
        assert.equal(dialled.socket.writableLength, 0)
      })
      await stage.settle()
      assert.equal(called, false)
      accepted.socket.resume()
      await stage.until(() => called)
      await finish(connection, stage)
    })

    holds('an accepted socket that is paused is silent, and loses nothing', async (stage) => {
      const connection = await connect(stage)
      const { dialled, accepted } = connection
      accepted.socket.pause()
      dialled.socket.write('abc', 'latin1')
      await stage.settle()
      assert.equal(accepted.bytes, 0)
      accepted.socket.resume()
      await stage.until(() => accepted.text === 'abc')
      await finish(connection, stage)
    })

    holds('a dialled socket whose reader says no is silent until resumed', async (stage) => {
      let reads = 0
      const connection = await connect(stage, { read: () => ++reads > 1 })
      const { dialled, accepted } = connection
      accepted.socket.write(Buffer.alloc(200_000))
      await stage.settle()
      assert.equal(reads, 1)
      assert.ok(dialled.bytes <= 65_536)
      dialled.socket.resume()
      await stage.until(() => dialled.bytes === 200_000)
      await finish(connection, stage)
    })

    holds('a dialled socket can be paused between reads', async (stage) => {
      const connection = await connect(stage)
      const { dialled, accepted } = connection
      dialled.socket.pause()
      accepted.socket.write('late', 'latin1')
      await stage.settle()
      assert.equal(dialled.bytes, 0)
      dialled.socket.resume()
      await stage.until(() => dialled.text === 'late')
      await finish(connection, stage)
    })

    holds('without memory of its own a dialled socket reads into the same again', async (stage) => {
      const seen = new Set<ArrayBufferLike>()
      const connection = await connect(stage, {
        read: (_length, buffer) => {
          seen.add(buffer.buffer)
          return true
        },
      })
      for (let round = 1; round <= 3; round++) {
        connection.accepted.socket.write('xyz', 'latin1')
        await stage.until(() => connection.dialled.bytes === 3 * round)
      }
      assert.equal(seen.size, 1)
      await finish(connection, stage)
    })

    holds("a reader's own memory is read into while it gives it, and no longer", async (stage) => {
      const own = Buffer.alloc(16)
      let give: Buffer | null = own
      const seen: boolean[] = []
      const connection = await connect(stage, {
        read: (length, buffer) => {
          seen.push(buffer === own)
          assert.ok(length <= buffer.length)
          if (seen.length === 3) give = null
          return true
        },
        nextBuffer: () => give,
      })
      connection.accepted.socket.write('A', 'latin1')
      await stage.until(() => connection.dialled.bytes === 1)
      connection.accepted.socket.write('B'.repeat(40), 'latin1')
      await stage.until(() => connection.dialled.bytes === 41)
      assert.deepEqual(seen, [false, true, true, false])
      await finish(connection, stage)
    })

    holds('the end of one direction leaves the other open', async (stage) => {
      const connection = await connect(stage)
      const { dialled, accepted } = connection
      dialled.socket.write('request', 'latin1')
      dialled.socket.end()
      await stage.until(() => accepted.has('end'))
      assert.deepEqual(accepted.events, ['data', 'end'])
      accepted.socket.write('reply', 'latin1')
      await stage.until(() => dialled.text === 'reply')
      assert.equal(dialled.has('close'), false)
      accepted.socket.end()
      await stage.until(() => dialled.has('close') && accepted.has('close'))
      assert.deepEqual(dialled.events, ['connect', 'data', 'end', 'close'])
      assert.equal(dialled.error ?? accepted.error, null)
      await closeListener(connection.listener, stage)
    })

    holds('the end comes after every byte, also to a slow reader', async (stage) => {
      const connection = await connect(stage)
      const { dialled, accepted } = connection
      accepted.socket.pause()
      dialled.socket.write(Buffer.alloc(BIG))
      dialled.socket.end()
      await stage.settle()
      assert.equal(accepted.has('end'), false)
      accepted.socket.resume()
      await stage.until(() => accepted.has('end'))
      assert.equal(accepted.bytes, BIG)
      await finish(connection, stage)
    })

    holds('H20 a destroyed socket is an end to its peer, and no error to itself', async (stage) => {
      const connection = await connect(stage)
      const { dialled, accepted } = connection
      dialled.socket.destroy()
      assert.equal(dialled.socket.destroyed, true)
      await stage.until(() => accepted.has('end') && dialled.has('close'))
      assert.deepEqual(dialled.events, ['connect', 'close'])
      assert.equal(accepted.has('error'), false)
      await finish(connection, stage)
    })

    holds('a socket destroyed with bytes unread resets its peer', async (stage) => {
      const connection = await connect(stage)
      const { dialled, accepted } = connection
      accepted.socket.pause()
      dialled.socket.write(Buffer.alloc(200_000))
      await stage.settle()
      accepted.socket.destroy()
      await stage.until(() => dialled.has('close'))
      assert.equal(dialled.error?.code, 'ECONNRESET')
      await finish(connection, stage)
    })

    holds('writing to a destroyed peer fails in the end', async (stage) => {
      const connection = await connect(stage)
      const { dialled, accepted } = connection
      accepted.socket.destroy()
      await stage.until(() => dialled.has('end'))
      dialled.socket.write('a', 'latin1')
      await stage.settle()
      dialled.socket.write('b', 'latin1')
      await stage.until(() => dialled.has('close'))
      assert.match(dialled.error!.code!, /^(EPIPE|ECONNRESET)$/)
      assert.deepEqual(dialled.events, ['connect', 'end', 'error', 'close'])
      await finish(connection, stage)
    })

    holds('the callback of a write that never left is called all the same', async (stage) => {
      const connection = await connect(stage)
      const { dialled, accepted } = connection
      accepted.socket.pause()
      let called = 0
      dialled.socket.write(Buffer.alloc(BIG), () => called++)
      dialled.socket.write(Buffer.alloc(0), () => called++)
      await stage.settle()
      dialled.socket.destroy()
      assert.equal(called, 0)
      await stage.until(() => called === 2)
      await finish(connection, stage)
    })

    holds('a socket destroyed by its reader reads no more', async (stage) => {
      const connection: Connection = await connect(stage, {
        read: () => {
          connection.dialled.socket.destroy()
          return true
        },
      })
      const { dialled, accepted } = connection
      accepted.socket.write(Buffer.alloc(300_000))
      await stage.until(() => dialled.has('close'))
      assert.deepEqual(dialled.events, ['connect', 'data', 'close'])
      assert.ok(dialled.bytes <= 65_536)
      await finish(connection, stage)
    })

    holds('a refused dial fails, then closes, and was never connected', async (stage) => {
      const connection = await connect(stage)
      const address = connection.listener.address()
      await finish(connection, stage)
      const refused = dial(stage, address)
      await stage.until(() => refused.has('close'))
      assert.deepEqual(refused.events, ['error', 'close'])
      assert.match(refused.error!.code!, /^(ECONNREFUSED|ENOENT)$/)
    })

    holds('a dial can be given up', async (stage) => {
      const connection = await connect(stage)
      const given = dial(stage, connection.listener.address())
      given.socket.destroy()
      await stage.until(() => given.has('close'))
      assert.deepEqual(given.events, ['close'])
      await finish(connection, stage)
    })

    holds('an address in use cannot be bound again', async (stage) => {
      const connection = await connect(stage)
      let failed: (Error & { code?: string }) | null = null
      stage.world.listen(connection.listener.address(), {
        ready: () => assert.fail('bound twice'),
        failed: (error) => {
          failed = error
        },
        accept: () => assert.fail('nobody connects'),
      })
      await stage.until(() => failed !== null)
      assert.equal(failed!.code, 'EADDRINUSE')
      await finish(connection, stage)
    })

    holds('a listener that closed leaves its connections alive', async (stage) => {
      const connection = await connect(stage)
      await closeListener(connection.listener, stage)
      connection.dialled.socket.write('still here', 'latin1')
      await stage.until(() => connection.accepted.text === 'still here')
      await finish(connection, stage)
    })

    holds('bytes put back are read again first', async (stage) => {
      const connection = await connect(stage, {}, false)
      const { dialled, accepted } = connection
      let peeked = false
      accepted.socket.on('data', (chunk) => {
        if (peeked) return accepted.took(chunk)
        peeked = true
        accepted.socket.pause()
        accepted.socket.unshift(chunk.subarray(1))
      })
      dialled.socket.write('PROXY', 'latin1')
      await stage.until(() => peeked)
      dialled.socket.write(' more', 'latin1')
      await stage.settle()
      accepted.socket.resume()
      await stage.until(() => accepted.text === 'ROXY more')
      await finish(connection, stage)
    })

    holds('what came before anybody listened is not lost', async (stage) => {
      const connection = await connect(stage, {}, false)
      const { dialled, accepted } = connection
      dialled.socket.write('early bird', 'latin1')
      dialled.socket.end()
      await stage.settle()
      assert.equal(accepted.has('end'), false)
      accepted.socket.on('data', (chunk) => accepted.took(chunk))
      await stage.until(() => accepted.has('end'))
      assert.equal(accepted.text, 'early bird')
      await finish(connection, stage)
    })

    holds('a reset is an error to the peer; a Unix socket cannot be reset', async (stage) => {
      const connection = await connect(stage)
      const { dialled, accepted } = connection
      if (stage.address.kind === 'unix') {
        assert.throws(() => accepted.socket.resetAndDestroy(), { code: 'ERR_INVALID_HANDLE_TYPE' })
      } else {
        accepted.socket.resetAndDestroy()
        await stage.until(() => dialled.has('close') && accepted.has('close'))
        assert.equal(dialled.error?.code, 'ECONNRESET')
        assert.deepEqual(dialled.events, ['connect', 'error', 'close'])
        assert.deepEqual(accepted.events, ['close'])
      }
      await finish(connection, stage)
    })

    holds('a timer comes once and not early; a cancelled one never', async (stage) => {
      const { world } = stage
      const start = world.now()
      let at = 0
      world
        .setTimer(() => {
          assert.fail('was cancelled')
        }, 5)
        .cancel()
      const handle = world.setTimer(() => {
        at = world.now()
      }, 20)
      await stage.until(() => at > 0)
      // Node counts whole milliseconds.
      assert.ok(at - start >= 19, `${at - start} ms`)
      handle.cancel()
    })

    holds('H25 what is put off by `soon` comes after what could be read already', async (stage) => {
      const { world } = stage
      const connection = await connect(stage)
      const { dialled, accepted } = connection
      let read = -1
      world.setTimer(() => {
        accepted.socket.write('reply', 'latin1')
        // On the way to the other end of the machine.
        for (const until = process.hrtime.bigint() + 5_000_000n; process.hrtime.bigint() < until;);
        world.soon(() => {
          read = dialled.bytes
        })
      }, 1)
      await stage.until(() => read >= 0)
      assert.equal(read, 5)
      await finish(connection, stage)
    })
  })
}
