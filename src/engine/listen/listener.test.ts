import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { spawnSync } from 'node:child_process'
import type { TurnpikeError } from '../../core/error.ts'
import { Ledger } from '../ledger.ts'
import { Listener } from './listener.ts'
import type { ListenerSettings } from './listener-settings.ts'
import { realWorld } from '../real-world.ts'
import type { Session } from '../session.ts'
import { TimerWheel } from '../timers.ts'
import type { BindAddress, Socket } from '../world.ts'

const plain: ListenerSettings = { connections: 100, proxyProtocol: null, tls: null }

async function started(settings: ListenerSettings, address: BindAddress = { kind: 'tcp', host: '127.0.0.1', port: 0 }) {
  const world = realWorld()
  const ledger = new Ledger()
  const wheel = new TimerWheel(world, ledger)
  const sessions: Session[] = []
  const refused: TurnpikeError[] = []
  const onConnection: { run: (socket: Socket) => void } = { run: (socket) => socket.end() }
  const listener = new Listener(
    'web',
    address,
    settings,
    { world, wheel, ledger },
    {
      connection(socket, session) {
        sessions.push(session)
        onConnection.run(socket)
      },
      refused: (error) => refused.push(error),
      failed: (error) => refused.push(error),
      refusal: (error) => `HTTP/1.1 503 ${error.code}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    },
  )
  const bound = await listener.listen()
  return { listener, ledger, sessions, refused, onConnection, port: bound.kind === 'tcp' ? bound.port : 0 }
}

async function text(socket: ReturnType<typeof connect>): Promise<string> {
  let all = ''
  socket.on('data', (chunk) => (all += chunk.toString('latin1')))
  await once(socket, 'close')
  return all
}

test('a plain connection is handed over at accept, with where it comes from', async () => {
  const { listener, ledger, sessions, onConnection, port } = await started(plain)
  onConnection.run = (socket) => {
    socket.on('data', (chunk) => socket.write(chunk))
    socket.on('end', () => socket.end())
  }
  const client = connect({ port, host: '127.0.0.1' })
  await once(client, 'connect')
  const clientPort = client.localPort
  client.end('hello')
  assert.equal(await text(client), 'hello')
  assert.deepEqual(
    [sessions[0]?.listener, sessions[0]?.clientAddress, sessions[0]?.clientPort, sessions[0]?.localPort],
    ['web', '127.0.0.1', clientPort, port],
  )
  await listener.close()
  assert.deepEqual([ledger.count('listeners'), ledger.count('clientSockets')], [0, 0])
})

test('W13 a reset that comes before anybody reads the socket does not end the process', async () => {
  const { listener, ledger, onConnection, port } = await started(plain)
  const closed = new Promise<void>((resolve) => {
    onConnection.run = (socket) => {
      socket.resume()
      socket.on('close', resolve)
    }
  })
  const client = connect({ port, host: '127.0.0.1' })
  await once(client, 'connect')
  client.resetAndDestroy()
  await closed
  assert.equal(ledger.count('clientSockets'), 0)
  await listener.close()
})

test('over the connection limit a plain client gets a reply, and the place is free again after', async () => {
  const { listener, refused, onConnection, ledger, port } = await started({ ...plain, connections: 1 })
  onConnection.run = (socket) => {
    socket.write('held', 'latin1')
    socket.on('end', () => socket.end())
    socket.resume()
  }
  const first = connect({ port, host: '127.0.0.1' })
  await once(first, 'data')
  const second = connect({ port, host: '127.0.0.1' })
  second.end('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.match(await text(second), /^HTTP\/1\.1 503 ERR_CONNECTION_LIMIT\r\nConnection: close/)
  assert.deepEqual(
    refused.map((error) => error.code),
    ['ERR_CONNECTION_LIMIT'],
  )
  first.end()
  await once(first, 'close')
  const third = connect({ port, host: '127.0.0.1' })
  third.end()
  assert.equal(await text(third), 'held')
  await listener.close()
  assert.equal(ledger.count('clientSockets'), 0)
  assert.equal(ledger.count('timers'), 0)
})

test('an address in use is ERR_LISTEN with the address and the reason', async () => {
  const { listener, port } = await started(plain)
  await assert.rejects(started(plain, { kind: 'tcp', host: '127.0.0.1', port }), {
    code: 'ERR_LISTEN',
    message: `Listener web cannot bind 127.0.0.1:${port}: the address is in use.`,
  })
  await listener.close()
})

test('a closed listener frees its address while its connections go on', async () => {
  const { listener, onConnection, port } = await started(plain)
  onConnection.run = (socket) => {
    socket.on('data', (chunk) => socket.write(chunk))
    socket.on('end', () => socket.end())
  }
  const client = connect({ port, host: '127.0.0.1' })
  client.write('a')
  await once(client, 'data')
  await listener.stopAccepting()
  const again = await started(plain, { kind: 'tcp', host: '127.0.0.1', port })
  client.end('b')
  assert.equal(await text(client), 'b')
  await again.listener.close()
})

test('a Unix socket: a live one is not taken over, a stale one is replaced, the file goes with the listener', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 's.sock')
  const address: BindAddress = { kind: 'unix', path }
  const { listener } = await started(plain, address)
  await assert.rejects(started(plain, address), { code: 'ERR_LISTEN', message: /the address is in use/ })
  await listener.close()
  assert.equal(existsSync(path), false)

  const leaves = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', leaves])
  assert.equal(existsSync(path), true)
  const { listener: replacing, sessions } = await started(plain, address)
  const client = connect({ path })
  assert.equal(await text(client), '')
  assert.equal(sessions[0]?.peerAddress, 'unix:')
  await replacing.close()
})

test('a path that is not a socket is left alone', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-'))
  t.after(() => rmSync(folder, { recursive: true }))
  await assert.rejects(started(plain, { kind: 'unix', path: folder }), { code: 'ERR_LISTEN' })
  assert.equal(existsSync(folder), true)
})
