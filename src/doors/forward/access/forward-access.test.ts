import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { test, type TestContext } from 'node:test'
import { CidrSet } from '../../../core/address.ts'
import { Secret } from '../../../core/secret.ts'
import { Ledger } from '../../../engine/ledger.ts'
import { unixPeer } from '../../../engine/listen/peer-facts.ts'
import { realWorld } from '../../../engine/real-world.ts'
import { Scope } from '../../../engine/scope.ts'
import { Session } from '../../../engine/session.ts'
import { SharedStates } from '../../../engine/shared-states.ts'
import { forwardSchema } from '../config.ts'
import { ForwardAccess, type ForwardAccessOptions } from './forward-access.ts'

function makeAccess(t: TestContext, listener: object, states = new SharedStates(), most = 2): ForwardAccess {
  const world = realWorld()
  const scope = new Scope({ world, ledger: new Ledger(), states, onError: (error) => assert.fail(String(error)) })
  t.after(() => scope.close())
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all that it takes
  const services = { world } as ForwardAccessOptions['services']
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all that it takes
  const listeners = new Map<string, unknown>([
    ['egress', { mode: 'proxy', ...listener }],
  ]) as ForwardAccessOptions['listeners']
  const config = forwardSchema.parse({ limits: { connectionsPerClient: most } })
  return new ForwardAccess({ config, listeners, services, scope })
}

function session(clientAddress: string, peerAddress = clientAddress, listener = 'egress'): Session {
  const rest = { clientPort: 4000, localAddress: '127.0.0.1', localPort: 3128, tls: null }
  return new Session({ listener, clientAddress, peerAddress, ...rest })
}

test('F8 without a login and without ranges a listener serves its own machine alone, whatever it is bound to', (t) => {
  const access = makeAccess(t, {})
  const own = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  for (const address of [
    '127.0.0.1',
    '127.3.2.1',
    '::1',
    ...own.map((each) => each.address.replace(/%.*/, '')),
    unixPeer,
  ])
    assert.equal(access.refusalOf(session(address)), null, address)
  assert.equal(access.refusalOf(session('192.0.2.9'))?.code, 'ERR_IP_DENIED')
  assert.equal(access.refusalOf(session('2001:db8::1'))?.code, 'ERR_IP_DENIED')
  assert.equal(access.refusalOf(session('192.0.2.9', '127.0.0.1'))?.code, 'ERR_IP_DENIED', 'for whom a balancer speaks')
  assert.equal(access.refusalOf(session('127.0.0.1', '192.0.2.9'))?.code, 'ERR_IP_DENIED')
  assert.equal(access.refusalOf(session(unixPeer, '192.0.2.9'))?.code, 'ERR_IP_DENIED', 'says a header')
})

test('with ranges or a login others are served too', (t) => {
  const ranged = makeAccess(t, { allowFrom: new CidrSet(['192.0.2.0/24']) })
  assert.equal(ranged.refusalOf(session('192.0.2.9')), null)
  assert.equal(ranged.refusalOf(session('127.0.0.1'))?.code, 'ERR_IP_DENIED')
  const locked = makeAccess(t, { auth: { basic: { users: { alice: Secret.of('a') }, realm: 'x' } } })
  assert.equal(locked.refusalOf(session('192.0.2.9')), null)
  assert.ok(locked.wantsLogin(session('192.0.2.9')))
})

test('a connection whose listener has left the config gets nothing', (t) => {
  const access = makeAccess(t, {})
  const gone = session('127.0.0.1', '127.0.0.1', 'gone')
  assert.equal(access.refusalOf(gone)?.code, 'ERR_IP_DENIED')
  assert.ok(access.wantsLogin(gone))
  assert.equal(access.login(gone, 'a', 'b'), null)
})

test('connections count by address, those of an IPv6 network together, over reloads', (t) => {
  const states = new SharedStates()
  const [before, after] = [makeAccess(t, {}, states), makeAccess(t, { allowFrom: new CidrSet(['::/0']) }, states)]
  assert.equal(before.refusalOf(session('127.0.0.1')), null)
  assert.equal(after.refusalOf(session('127.0.0.1')), null)
  assert.equal(after.refusalOf(session('127.0.0.1'))?.code, 'ERR_CLIENT_CONNECTIONS')
  after.closed(session('127.0.0.1'))
  assert.equal(after.refusalOf(session('127.0.0.1')), null)
  for (const [address, code] of [
    ['2001:db8:1:2::1', undefined],
    ['2001:db8:1:2:ffff::', undefined],
    ['2001:db8:1:2::3', 'ERR_CLIENT_CONNECTIONS'],
    ['2001:db8:1:3::3', undefined],
  ] as const)
    assert.equal(after.refusalOf(session(address))?.code, code, address)
})
