import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { apacheBefore } from '../support/peers/apache.ts'
import { haproxyBefore } from '../support/peers/haproxy.ts'
import { nginxBefore } from '../support/peers/nginx.ts'
import { startRecordingOrigin, type RecordingOrigin } from '../support/peers/recording-origin.ts'
import { findProgram } from '../support/peers/require-program.ts'
import type { Peer } from '../support/peers/spawn-peer.ts'
import { turnpikeBefore } from '../support/peers/turnpike.ts'
import { ends, hold, nameOf } from './hold.ts'
import { vectors } from './vectors.ts'
import { requestsSeen, weakReaders } from './weak-readers.ts'

/** An origin as an attacker finds it: Turnpike, then a server, which says in its own words what it understood. */
interface Target {
  name: string
  gateway: Peer
  /** The server between, null where Node itself is the origin. */
  server: Peer | null
  origin: RecordingOrigin
}

const servers: [string, string | null, ((port: number) => Promise<Peer>) | null][] = [
  ['node', null, null],
  ['nginx', 'nginx', nginxBefore],
  ['apache', 'apache2', apacheBefore],
  ['haproxy', 'haproxy', haproxyBefore],
]

const TIMEOUT = { timeout: 5000 }

for (const [name, program, start] of servers) {
  const missing = program !== null && findProgram(program) === null
  if (missing && process.env.CI === 'true') throw new Error(`not installed: ${program}`)
  describe(`the corpus through Turnpike to ${name}`, { skip: missing ? `not installed: ${program}` : false }, () => {
    let target: Target
    const expectedLines = new Map<string, number>()

    before(async () => {
      const origin = await startRecordingOrigin()
      const server = start === null ? null : await start(origin.port)
      const gateway = await turnpikeBefore(server?.port ?? origin.port)
      target = { name, gateway, server, origin }
    })
    after(async () => {
      await target?.gateway.stop()
      await target?.server?.stop()
      await target?.origin.stop()
    })

    vectors.forEach((vector, index) => {
      test(`${vector.spec} ${vector.name}`, TIMEOUT, async () => {
        const id = nameOf('v', index)
        await hold(vector, id, { ...target, port: target.gateway.port }, false)
        expectedLines.set(id, vector.forwarded.length + (ends(vector) ? 0 : 1))
      })
      // One origin is enough for splits: what is split is what Turnpike reads.
      if (start !== null || vector.bytes.length > 2000) return
      test(`${vector.spec} ${vector.name}, byte by byte`, TIMEOUT, () =>
        hold(vector, nameOf('b', index), { ...target, port: target.gateway.port }, true),
      )
    })

    if (start === null) return
    test('the access log of the server has one line for each request that was meant', TIMEOUT, async () => {
      const whole = [...expectedLines].filter(([id]) => vectors[Number(id.slice(1))]!.refused === undefined)
      const server = target.server!
      const count = (id: string): number => server.accessLog().filter((line) => line.includes(`/${id}`)).length
      // Logs are written after the reply: wait for the last line, then compare all of them.
      while (whole.some(([id, expected]) => count(id) < expected))
        await new Promise((resolve) => setTimeout(resolve, 10))
      assert.deepEqual(
        whole.map(([id]) => [id, count(id)]),
        whole,
      )
      assert.deepEqual(
        server.accessLog().filter((line) => line.includes('smuggled')),
        [],
      )
    })
  })
}

describe('the attacks of the corpus are attacks', () => {
  for (const vector of vectors.filter(({ ambiguous }) => ambiguous)) {
    test(`${vector.spec} ${vector.name}: weak readers disagree about it`, () => {
      const found = Object.values(weakReaders).map((framing) => requestsSeen(vector.bytes, framing))
      assert.ok(new Set(found.map((each) => each.length)).size > 1, JSON.stringify(found))
      assert.ok(
        found.some((each) => each.some((line) => line.includes('smuggled'))),
        'one of them serves the hidden request',
      )
    })
  }
})
