import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Exchange } from '../../../engine/exchange.ts'
import { ClientTraffic } from './client-traffic.ts'

const hour = 3_600_000

function exchangeOf(clientAddress: string): Exchange {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all that is looked at
  return { clientAddress, tunnel: null, bytesIn: 0, bytesOut: 0 } as Exchange
}

function makeTraffic(bytes: number): { traffic: ClientTraffic; clock: { now: number } } {
  const clock = { now: 0 }
  const world = { now: () => clock.now, soon: (run: () => void) => run() }
  const limits = { bytesPerClient: { bytes, perMs: hour }, bandwidthPerClient: null }
  return { traffic: new ClientTraffic(limits, world), clock }
}

test('a client is known for as long as there is something to know of it', () => {
  const { traffic, clock } = makeTraffic(1000)
  const [exchange, other] = [exchangeOf('192.0.2.1'), exchangeOf('192.0.2.2')]
  const meter = traffic.meter(exchange)
  traffic.meter(other).ended(other)
  assert.equal(traffic.size, 1, 'the other one has moved nothing')
  meter.moved(1000, 'up')
  meter.ended(exchange)
  assert.equal(traffic.refusalOf('192.0.2.1')?.code, 'ERR_CLIENT_BYTES')
  assert.equal(traffic.refusalOf('192.0.2.2'), null)
  clock.now = hour + hour / 12
  assert.equal(traffic.refusalOf('192.0.2.1'), null)
  traffic.meter(other).ended(other)
  assert.equal(traffic.size, 0, 'looked at as another one came')
})

test('more clients than are remembered push out who has moved least, not who has used up its share', () => {
  const { traffic } = makeTraffic(1000)
  const spend = (address: string, bytes: number): void => {
    const exchange = exchangeOf(address)
    const meter = traffic.meter(exchange)
    meter.moved(bytes, 'down')
    meter.ended(exchange)
  }
  spend('192.0.2.1', 1000)
  for (let count = 0; count < 60_000; count++) spend(`10.${count >> 16}.${(count >> 8) & 255}.${count & 255}`, 1)
  assert.equal(traffic.size, 50_000)
  assert.equal(traffic.refusalOf('192.0.2.1')?.code, 'ERR_CLIENT_BYTES')
})

test('what no `moved` told of is counted at the end, and nothing twice', () => {
  const { traffic } = makeTraffic(1000)
  const plain = exchangeOf('192.0.2.1')
  const meter = traffic.meter(plain)
  meter.ended(Object.assign(plain, { bytesIn: 400, bytesOut: 599 }))
  assert.equal(traffic.refusalOf('192.0.2.1'), null)
  const tunnel = exchangeOf('192.0.2.2')
  const moving = traffic.meter(tunnel)
  moving.moved(600, 'up')
  moving.ended(Object.assign(tunnel, { bytesIn: 600, bytesOut: 0 }))
  assert.equal(traffic.refusalOf('192.0.2.2'), null)
})
