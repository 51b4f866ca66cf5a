import assert from 'node:assert/strict'
import test from 'node:test'
import { startChildGateway } from '../support/child-gateway.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import { connectRaw, get } from '../support/raw-client.ts'
import type { RawPeer } from '../support/raw-peer.ts'

test('H20 out of descriptors: accepting and dialling say so, what is open lives on, and both recover', async (t) => {
  const go = Promise.withResolvers<void>()
  t.after(() => go.resolve())
  const origin = await startOrigin(
    t,
    answering(async ({ line }) => {
      if (line.includes('/slow')) await go.promise
      return ok('hello')
    }),
  )
  const gateway = await startChildGateway(t, { to: origin.url, descriptors: 64 })
  const clients: RawPeer[] = []
  t.after(() => clients.forEach(({ socket }) => socket.destroy()))
  const open = async (): Promise<RawPeer> => {
    const client = await connectRaw(gateway.port)
    clients.push(client)
    return client
  }
  const existing = await open()
  existing.send(get())
  assert.equal((await existing.reply()).status, 200)

  // On dialling: every request needs a connection of its own, since none gets its reply yet.
  const askers: RawPeer[] = []
  for (let at = 0; at < 16; at++) askers.push(await open())
  for (const client of askers) client.send(get('', '/slow'))
  const refusedAsker = await Promise.any(askers.map(async (client) => client.reply()))
  assert.equal(refusedAsker.status, 503)
  assert.match(refusedAsker.field('proxy-status')!, /; details="ERR_DESCRIPTORS"$/)

  // On accepting: told, or closed; never left hanging.
  const crowd: RawPeer[] = []
  for (let at = 0; at < 60; at++) crowd.push(await open())
  const refused = await Promise.any(crowd.map(async (client) => client.reply()))
  assert.equal(refused.status, 503)
  assert.match(refused.field('proxy-status')!, /; details="ERR_DESCRIPTORS"$/)
  assert.match(gateway.said(), /ERR_DESCRIPTORS/)

  // The slow ones that got a connection are served now, and so is who was there before.
  go.resolve()
  const served = askers.filter(({ total }) => total === 0)
  assert.ok(served.length > 0)
  for (const client of served) assert.equal((await client.reply()).body, 'hello')
  existing.send(get())
  assert.equal((await existing.reply()).status, 200)

  // Descriptors come free: new clients are served, with new connections to the origin.
  for (const { socket } of clients.splice(0)) socket.destroy()
  for (let tries = 0; ; tries++) {
    const client = await open()
    client.send(get())
    const status = await client.reply().then(
      (reply) => reply.status,
      () => 0,
    )
    if (status === 200) break
    assert.ok(tries < 100, 'it does not recover')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const slots = await Promise.all(Array.from({ length: 5 }, open))
  for (const client of slots) client.send(get())
  for (const client of slots) assert.equal((await client.reply()).status, 200)
  assert.ok(gateway.alive())
})
