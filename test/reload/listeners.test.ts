import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { connect } from 'node:tls'
import type { ConfigInput } from '../../src/config/config.ts'
import { testCertificate } from '../support/certificates.ts'
import { startGateway } from '../support/gateway.ts'
import { portOf } from '../support/peers/free-port.ts'
import { ask, connectRaw, get } from '../support/raw-client.ts'

type Listeners = ConfigInput['listeners']

const config = (listeners: Listeners, body = 'one'): ConfigInput => ({
  listeners,
  gateway: { routes: [{ name: 'all', respond: { body } }] },
  admin: 'off',
  log: { access: 'off' },
  shutdown: { drain: '2s' },
})

const web: Listeners[string] = { address: '127.0.0.1:0', door: 'gateway' }

test('a listener that stays keeps its socket and its connections; its limits hold for new ones', async (t) => {
  const gateway = await startGateway(t, { config: config({ web }) })
  const client = await gateway.connect()
  client.send(get())
  assert.equal((await client.reply()).body, 'one')
  const limited = { ...web, limits: { headSize: '1KiB' } }
  assert.equal((await gateway.turnpike.reload(config({ web: limited }, 'two'))).result, 'applied')
  const long = `x-long: ${'a'.repeat(2000)}\r\n`
  client.send(get(long))
  const reply = await client.reply()
  assert.deepEqual([reply.status, reply.body], [200, 'two'])
  assert.equal((await ask(gateway.port, get(long))).status, 431)
})

test('a listener is added before the swap and removed after it; its address can be had again', async (t) => {
  const gateway = await startGateway(t, { config: config({ web }) })
  const { turnpike } = gateway
  const portNamed = (name: string): number => {
    const bound = turnpike.addresses.get(name)
    return bound?.kind === 'tcp' ? bound.port : 0
  }
  await turnpike.reload(config({ web, more: web }, 'two'))
  const added = portNamed('more')
  const kept = await connectRaw(added)
  t.after(() => kept.socket.destroy())
  kept.send(get())
  assert.equal((await kept.reply()).body, 'two')
  await turnpike.reload(config({ web }))
  assert.equal(await kept.over(), 'end')
  await gateway.when(() => gateway.count('listeners') === 1, 'the listener to go')
  await turnpike.reload(config({ web, again: { ...web, address: `127.0.0.1:${added}` } }, 'three'))
  assert.equal((await ask(added, get())).body, 'three')
  // Another name for the same address: the socket stays, and what is open on it.
  const open = await connectRaw(added)
  t.after(() => open.socket.destroy())
  await turnpike.reload(config({ web, renamed: { ...web, address: `127.0.0.1:${added}` } }, 'four'))
  open.send(get())
  assert.equal((await open.reply()).body, 'four')
  assert.deepEqual([...turnpike.addresses.keys()], ['web', 'renamed'])
  assert.equal(turnpike.services.ledger.snapshot().listeners.total, 3)
})

test('W4 an address that cannot be bound refuses the reload, and nothing has changed', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => taken.close())
  const gateway = await startGateway(t, { config: config({ web }) })
  const listeners = { web, free: web, taken: { ...web, address: `127.0.0.1:${portOf(taken)}` } }
  const { result, problems } = await gateway.turnpike.reload(config(listeners, 'two'))
  assert.equal(result, 'refused')
  assert.match(problems[0]!.message, /Listener taken cannot bind .*in use/)
  assert.equal(problems[0]!.code, 'ERR_LISTEN')
  assert.equal((await ask(gateway.port, get())).body, 'one')
  for (const [kind, count] of [
    ['listeners', 1],
    ['generations', 1],
  ] as const) {
    assert.equal(gateway.count(kind), count, kind)
  }
})

test('H26 a certificate that changes is shown to new connections; other client certificate rules end the use of old ones', async (t) => {
  const [first, second] = ['first', 'second'].map((subject) => testCertificate({ subject, names: ['DNS:a.test'] }))
  const secure = (file: typeof first, more = {}): Listeners => ({
    web: { ...web, tls: { certificates: [{ cert: file!.certFile, key: file!.keyFile }], ...more } },
  })
  const gateway = await startGateway(t, { config: config(secure(first)) })
  const open = async () => {
    const socket = connect({ port: gateway.port, host: '127.0.0.1', servername: 'a.test', rejectUnauthorized: false })
    t.after(() => socket.destroy())
    await once(socket, 'secureConnect')
    return socket
  }
  const asked = async (socket: Awaited<ReturnType<typeof open>>): Promise<string> => {
    socket.write(get())
    const [chunk]: Buffer[] = await once(socket, 'data')
    return String(chunk)
  }
  const old = await open()
  assert.match(await asked(old), /one$/)
  assert.equal((await gateway.turnpike.reload(config(secure(second), 'two'))).result, 'applied')
  const fresh = await open()
  assert.equal(fresh.getPeerCertificate().subject.CN, 'second')
  assert.equal(old.getPeerCertificate().subject.CN, 'first')
  assert.match(await asked(old), /two$/)
  // One more in front: the positions of certificates shift, what they are for does not.
  const other = testCertificate({ subject: 'other', names: ['DNS:b.test'] })
  const both = [other, second!].map(({ certFile, keyFile }) => ({ cert: certFile, key: keyFile }))
  assert.equal(
    (await gateway.turnpike.reload(config({ web: { ...web, tls: { certificates: both } } }))).result,
    'applied',
  )
  assert.match(await asked(fresh), /^HTTP\/1\.1 200 /)
  await gateway.turnpike.reload(config(secure(second, { clientAuth: { ca: first!.certFile, mode: 'request' } })))
  assert.match(await asked(fresh), /^HTTP\/1\.1 421 /)
})
