import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Socket as NetSocket } from 'node:net'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { requireProgram } from '../../test/support/peers/require-program.ts'
import { realWorld } from './real-world.ts'

test('a reader that gives a buffer has it to itself; without one, all sockets share one', async (t) => {
  const world = realWorld()
  const peers: NetSocket[] = []
  const server = createServer((socket) => peers.push(socket)).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  const own = Buffer.alloc(10)
  const gives: (Buffer | null)[] = [null, own, own, null, null]
  const reads: { text: string; buffer: Buffer }[] = []
  const waiting: (() => void)[] = []
  await new Promise<void>((resolve) => {
    const socket = world.dial(
      { kind: 'tcp', host: '127.0.0.1', port: address.port },
      {
        connected: resolve,
        read(length, buffer) {
          reads.push({ text: buffer.latin1Slice(0, length), buffer })
          waiting.shift()?.()
          return true
        },
        nextBuffer: () => gives[reads.length] ?? null,
        ended: () => {},
        failed: assert.fail,
        closed: () => {},
      },
    )
    t.after(() => socket.destroy())
  })
  while (peers.length === 0) await once(server, 'connection')
  for (let at = 0; at < 5; at++) {
    const read = new Promise<void>((resolve) => waiting.push(resolve))
    peers[0]!.write(`message ${at}`)
    await read
  }
  assert.deepEqual(
    reads.map(({ text }) => text),
    ['message 0', 'message 1', 'message 2', 'message 3', 'message 4'],
  )
  const shared = reads[0]!.buffer
  assert.deepEqual(
    reads.map(({ buffer }) => (buffer === own ? 'own' : buffer === shared ? 'shared' : 'other')),
    ['shared', 'own', 'own', 'shared', 'shared'],
  )
})

test('out of descriptors: clients are told, dials fail with EMFILE, and both recover', async (t) => {
  if (!requireProgram(t, 'sh')) return
  const child = fileURLToPath(new URL('../../test/support/few-descriptors.ts', import.meta.url))
  const run = spawn('sh', ['-c', 'ulimit -n 120; exec "$0" "$1"', process.execPath, child])
  let output = ''
  run.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  run.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  await once(run, 'close')
  const report: unknown = JSON.parse(output)
  assert.deepEqual(report, {
    held: 'held until the limit is near',
    refused: '503 ERR_DESCRIPTORS for each of the rest',
    dial: 'ERR_DESCRIPTORS',
    reports: 1,
    again: 'served',
    dialAgain: 'connected',
    clientSockets: 0,
  })
})
