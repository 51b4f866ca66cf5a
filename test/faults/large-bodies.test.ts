import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import test, { type TestContext } from 'node:test'
import { startChildGateway } from '../support/child-gateway.ts'
import { portOf } from '../support/peers/free-port.ts'

const GIGABYTE = 1 << 30
const SLOW = 200 << 20
/** Above what the process has at rest; `npm run bench -- large` holds the built command to 150 MB in all. */
const GROWTH_MB = 60
const request = (method: string, length: number): string =>
  `${method} / HTTP/1.1\r\nHost: a.test\r\n${length > 0 ? `Content-Length: ${length}\r\n` : ''}\r\n`

/** Repeats with a period that divides no buffer: a piece that is missing, doubled or overwritten shows. */
const period = 65_521
const pattern = Buffer.alloc(period * 32)
for (let at = 0; at < pattern.length; at++) pattern[at] = (at % period) * 31 + ((at % period) >> 8)

/** Writes `size` bytes of the pattern as fast as they are taken. */
function pour(socket: Socket, size: number): void {
  let left = size
  const more = (): void => {
    while (left > 0 && !socket.destroyed) {
      const piece = left < pattern.length ? pattern.subarray(0, left) : pattern
      left -= piece.length
      if (!socket.write(piece)) {
        socket.once('drain', more)
        return
      }
    }
  }
  more()
}

/** Holds what comes after a head against the pattern; `done` when `size` bytes were right. */
function checked(socket: Socket, size: number, done: () => void): void {
  let bytes = -1
  let head = ''
  socket.on('data', (chunk: Buffer) => {
    if (bytes < 0) {
      head += chunk.toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      chunk = Buffer.from(head.slice(end + 4), 'latin1')
      bytes = 0
    }
    for (let at = 0; at < chunk.length;) {
      const from = (bytes + at) % period
      const length = Math.min(chunk.length - at, pattern.length - from)
      if (chunk.compare(pattern, from, from + length, at, at + length) !== 0) {
        socket.destroy(new Error(`a byte near ${bytes + at} is wrong`))
        return
      }
      at += length
    }
    bytes += chunk.length
    if (bytes >= size) done()
  })
}

/** Resolves when a body of `size` bytes has come, and was right; rejects where the connection ends before. */
function whole(socket: Socket, size: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the connection ended')))
    checked(socket, size, resolve)
  })
}

function firstBytes(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the connection ended')))
    socket.once('data', (bytes: Buffer) => resolve(bytes.toString('latin1')))
  })
}

/** Sends `size` bytes to whoever asks, or takes that many in, and says when it is through. */
async function startStore(t: TestContext, size: number) {
  const sockets: Socket[] = []
  const taken = Promise.withResolvers<Socket>()
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.once('data', (head: Buffer) => {
      if (head.toString('latin1', 0, 3) === 'GET') {
        socket.write(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n`)
        pour(socket, size)
      } else {
        socket.unshift(head)
        checked(socket, size, () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone'))
      }
      taken.resolve(socket)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { url: `http://127.0.0.1:${portOf(server)}`, connection: taken.promise }
}

async function client(t: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** Resolves when nothing has moved for a while. */
async function still(moved: () => number): Promise<void> {
  for (let before = -1; before !== moved();) {
    before = moved()
    await new Promise((resolve) => setTimeout(resolve, 150))
  }
}

test('H21 a gigabyte up and a gigabyte down, byte for byte, take little memory', async (t) => {
  const store = await startStore(t, GIGABYTE)
  const gateway = await startChildGateway(t, { to: store.url })
  const before = gateway.residentMb()
  const down = await client(t, gateway.port)
  down.write(request('GET', 0))
  await whole(down, GIGABYTE)
  const up = await client(t, gateway.port)
  up.write(request('PUT', GIGABYTE))
  pour(up, GIGABYTE)
  assert.match(await firstBytes(up), /^HTTP\/1\.1 200 [\s\S]*done$/)
  assert.ok(gateway.peakMb() - before < GROWTH_MB, `${before} MB grew to ${gateway.peakMb()} MB`)
})

test('H21 a slow reader of a large reply stops its origin, and costs next to no memory', async (t) => {
  const store = await startStore(t, SLOW)
  const gateway = await startChildGateway(t, { to: store.url })
  const before = gateway.residentMb()
  const reader = await client(t, gateway.port)
  reader.pause()
  reader.write(request('GET', 0))
  const origin = await store.connection
  await still(() => origin.bytesWritten)
  // What the two kernels and the buffers between them take.
  assert.ok(origin.bytesWritten - origin.writableLength < SLOW / 4, `${origin.bytesWritten} bytes were taken`)
  assert.ok(gateway.residentMb() - before < 30, `${before} MB grew to ${gateway.residentMb()} MB`)
  const read = whole(reader, SLOW)
  reader.resume()
  await read
  assert.ok(gateway.peakMb() - before < GROWTH_MB, `${before} MB grew to ${gateway.peakMb()} MB`)
})

test('H21 a slow origin of a large upload stops its client, and costs next to no memory', async (t) => {
  const store = await startStore(t, SLOW)
  const gateway = await startChildGateway(t, { to: store.url })
  const before = gateway.residentMb()
  const writer = await client(t, gateway.port)
  writer.write(request('PUT', SLOW))
  const origin = await store.connection
  origin.pause()
  pour(writer, SLOW)
  await still(() => writer.bytesWritten)
  assert.ok(writer.bytesWritten - writer.writableLength < SLOW / 4, `${writer.bytesWritten} bytes were taken`)
  assert.ok(gateway.residentMb() - before < 30, `${before} MB grew to ${gateway.residentMb()} MB`)
  origin.resume()
  assert.match(await firstBytes(writer), /^HTTP\/1\.1 200 [\s\S]*done$/)
  assert.ok(gateway.peakMb() - before < GROWTH_MB, `${before} MB grew to ${gateway.peakMb()} MB`)
})
