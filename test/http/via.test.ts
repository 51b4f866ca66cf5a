import assert from 'node:assert/strict'
import test from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import { ask, get } from '../support/raw-client.ts'

test('H14 Via is appended in both directions, with the version that was received', async (t) => {
  const origin = await startOrigin(
    t,
    answering(() => ok('hello', 'Via: 1.1 inner\r\n')),
  )
  const gateway = await startGateway(t, { to: [origin.port], config: { via: 'edge' } })
  const reply = await ask(gateway.port, get('Via: 1.0 outer\r\n'))
  await ask(gateway.port, 'GET / HTTP/1.0\r\nHost: a.test\r\n\r\n')
  assert.equal(origin.requests[0]!.field('via'), '1.0 outer, 1.1 edge')
  assert.equal(origin.requests[1]!.field('via'), '1.0 edge')
  assert.equal(reply.field('via'), '1.1 inner, 1.1 edge')
})

test('H14 two Turnpikes in a row are no loop', async (t) => {
  const origin = await startOrigin(t)
  const inner = await startGateway(t, { to: [origin.port] })
  const outer = await startGateway(t, { to: [inner.port] })
  const reply = await ask(outer.port, get())
  assert.equal(reply.status, 200)
  const hops = origin.requests[0]!.field('via')!.split(', ')
  assert.equal(hops.length, 2)
  assert.notEqual(hops[0], hops[1])
  assert.deepEqual(reply.field('via')?.split(', '), hops.toReversed())
})

test('H14 a Turnpike whose requests come back to itself answers 508', async (t) => {
  const holder = await startOrigin(t)
  const first = await startGateway(t, { to: [holder.port], config: { via: 'loop.test' } })
  // The same pseudonym is the same instance, as far as any instance can tell.
  const second = await startGateway(t, { to: [first.port], config: { via: 'loop.test' } })
  const client = await second.connect()
  for (const method of ['GET', 'HEAD']) {
    client.send(`${method} /round HTTP/1.1\r\nHost: a.test\r\nAccept: application/json\r\n\r\n`)
    const reply = await client.reply(method)
    assert.equal(reply.status, 508)
    assert.match(reply.field('proxy-status')!, /^loop\.test; error=proxy_loop_detected; details="ERR_LOOP"/)
    assert.equal(reply.field('content-type'), 'application/json')
  }
  const [line] = await first.logged(1)
  // A loop is found in the log by where it goes.
  assert.deepEqual([line!.cause, line!.method, line!.path], ['ERR_LOOP', 'GET', '/round'])
  assert.deepEqual(holder.requests, [])
})

test('H14 via: off sends none, in either direction', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port], config: { via: 'off' } })
  const reply = await ask(gateway.port, get())
  assert.equal(reply.field('via'), undefined)
  assert.equal(origin.requests[0]!.field('via'), undefined)
})
