import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { realWorld } from '../../src/engine/real-world.ts'
import type { BindAddress } from '../../src/engine/world.ts'
import { SimWorld } from './sim-world.ts'
import { socketContract, type Stage } from './socket-contract.ts'
import { plainWire, type WireStyle } from './wire.ts'

const anyPort: BindAddress = { kind: 'tcp', host: '127.0.0.1', port: 0 }

const path = (): BindAddress => ({ kind: 'unix', path: join(tmpdir(), `${randomUUID()}.sock`) })

function realStage(address: BindAddress): Stage {
  return {
    world: realWorld(),
    address,
    until: async (condition) => {
      const deadline = Date.now() + 10_000
      while (!condition()) {
        assert.ok(Date.now() < deadline, 'it never happened')
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    },
    // Long enough for the loopback to move everything that it can.
    settle: () => new Promise((resolve) => setTimeout(resolve, 25)),
  }
}

function simStage(address: BindAddress, style: WireStyle): Stage {
  const world = new SimWorld(7)
  world.onDial = (to) =>
    world.isBound(to)
      ? { kind: 'connects', style, delayMs: 1, accept: (end) => world.arrive(to, end) }
      : { kind: 'fails', code: 'ECONNREFUSED', delayMs: 1 }
  return {
    world,
    address,
    until: async (condition) => assert.ok(condition() || (await world.loop.run(condition)), 'it never happened'),
    settle: async () => {
      await world.loop.run(undefined, world.now() + 1000)
    },
  }
}

socketContract('node:net over TCP', () => realStage(anyPort))
socketContract('node:net over a Unix socket', () => realStage(path()))
socketContract('simulated TCP', () => simStage(anyPort, plainWire))
socketContract('simulated Unix socket', () => simStage(path(), plainWire))
