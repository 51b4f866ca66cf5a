import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { portOf } from '../../../test/support/peers/free-port.ts'
import { TurnpikeError } from '../../core/error.ts'
import { Ledger } from '../ledger.ts'
import { realWorld } from '../real-world.ts'
import { TimerWheel } from '../timers.ts'
import type { World } from '../world.ts'
import type { AddressGuard } from './address-guard.ts'
import { Dialler, type DialTarget } from './dial.ts'

/** The real world, in which every name has these addresses; notes what is dialled. */
function shapedWorld(addresses: string[], dialled: string[]): World {
  const real = realWorld()
  return {
    now: () => real.now(),
    wallClock: () => real.wallClock(),
    setTimer: (run, delayMs) => real.setTimer(run, delayMs),
    soon: (run) => real.soon(run),
    random: () => real.random(),
    listen: (address, events) => real.listen(address, events),
    bindUdp: (address, events) => real.bindUdp(address, events),
    originalDestination: (socket) => real.originalDestination(socket),
    resolve(_name, done) {
      const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }) as const)
      real.soon(() => done(null, found))
    },
    dial(address, events) {
      dialled.push(address.kind === 'tcp' ? address.host : address.path)
      return real.dial(address, events)
    },
  }
}

test('F8 each address that a name resolves to is asked of the guard, and only what it allows is dialled', async (t) => {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const port = portOf(server)
  const dialled: string[] = []
  const asked: [string, number][] = []
  const world = shapedWorld(['::1', '127.0.0.2', '127.0.0.1'], dialled)
  const ledger = new Ledger()
  const dialler = new Dialler(world, new TimerWheel(world, ledger), ledger)
  const outcome = (target: DialTarget, allowed: string): Promise<string> =>
    new Promise((resolve) => {
      const guard: AddressGuard = {
        key: allowed,
        allows(address, at) {
          asked.push([address, at])
          return address === allowed
        },
      }
      const options = { connectMs: 2_000, tlsMs: 2_000, tls: null, guard }
      dialler.dial(target, options, {
        connected(connection) {
          connection.abandon()
          resolve('connected')
        },
        failed: (error) => resolve(error instanceof TurnpikeError ? error.code : String(error)),
      })
    })
  const named: DialTarget = { kind: 'tcp', host: 'name.test', port }
  assert.equal(await outcome(named, '127.0.0.1'), 'connected')
  assert.deepEqual(dialled, ['127.0.0.1'])
  const each = ['::1', '127.0.0.2', '127.0.0.1'].map((address) => [address, port])
  assert.deepEqual(asked, each)
  assert.equal(await outcome(named, '192.0.2.7'), 'ERR_ADDRESS_FORBIDDEN', 'none is left')
  assert.equal(await outcome({ ...named, host: '127.0.0.1' }, '192.0.2.7'), 'ERR_ADDRESS_FORBIDDEN', 'not resolved')
  assert.equal(await outcome({ kind: 'unix', path: '/s' }, '/s'), 'ERR_ADDRESS_FORBIDDEN', 'no address at all')
  assert.equal(dialled.length, 1)
  assert.deepEqual([ledger.count('dials'), ledger.count('timers')], [0, 0])
})
