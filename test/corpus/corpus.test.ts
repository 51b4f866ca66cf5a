import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { apacheBefore } from '../support/peers/apache.ts'
import { haproxyBefore } from '../support/peers/haproxy.ts'
import { nginxBefore } from '../support/peers/nginx.ts'
import {
  bodyHash,
  startRecordingOrigin,
  type RecordingOrigin,
  type SeenRequest,
} from '../support/peers/recording-origin.ts'
import { findProgram } from '../support/peers/require-program.ts'
import type { Peer } from '../support/peers/spawn-peer.ts'
import { turnpikeBefore } from '../support/peers/turnpike.ts'
import { RawClient } from './client.ts'
import { message, type Meaning, type Vector } from './vector.ts'
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
        await hold(vector, id, target, false)
        expectedLines.set(id, vector.forwarded.length + (ends(vector) ? 0 : 1))
      })
      // One origin is enough for splits: what is split is what Turnpike reads.
      if (start !== null || vector.bytes.length > 2000) return
      test(`${vector.spec} ${vector.name}, byte by byte`, TIMEOUT, () => hold(vector, nameOf('b', index), target, true))
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

/** A name for one run, as long as its placeholder `{id}`, so that lengths in the vectors stay true. */
const nameOf = (kind: 'v' | 'b', index: number): string => kind + String(index).padStart(3, '0')

/** Whether the connection ends by itself after the vector. */
const ends = (vector: Vector): boolean => vector.refused !== undefined || vector.closes === true

/** Sends one vector, and holds what came back and what the origin saw against what it should mean. */
async function hold(vector: Vector, id: string, { gateway, origin }: Target, bytewise: boolean): Promise<void> {
  const fill = (text: string): string => text.replaceAll('{id}', id)
  const sent = fill(vector.bytes)
  origin.clear()
  const client = new RawClient(gateway.port)
  try {
    if (bytewise) await client.sendBytewise(sent)
    else client.send(sent)
    for (const meaning of vector.forwarded) {
      const reply = await client.reply()
      assert.equal(reply?.status, 200, `reply to ${meaning.method} ${meaning.target}: ${JSON.stringify(reply)}`)
    }
    if (vector.refused !== undefined) {
      const reply = await client.reply()
      assert.ok(
        reply !== null && vector.refused.includes(reply.status),
        `answered ${JSON.stringify(reply)}, not ${vector.refused.join(' or ')}`,
      )
    }
    // Whatever Turnpike took for one more request is answered before this one, and would be noticed here.
    if (!ends(vector)) {
      client.send(message([`GET /${id}/end HTTP/1.1`, 'Host: origin.example', 'Connection: close']))
      const reply = await client.reply()
      assert.equal(reply?.status, 200)
      assert.match(reply.body, new RegExp(`/${id}/end`))
    }
    assert.equal(await client.reply(), null, 'the connection ends after the last reply')
  } finally {
    client.destroy()
  }
  const seen = origin.seen.filter(({ target }) => !target.endsWith('/end'))
  assert.equal(
    seen.length,
    vector.forwarded.length,
    `the origin saw ${JSON.stringify(seen.map(({ target }) => target))}`,
  )
  vector.forwarded.forEach((meaning, at) => holdMeaning(seen[at]!, meaning, fill))
}

function holdMeaning(seen: SeenRequest, meaning: Meaning, fill: (text: string) => string): void {
  assert.deepEqual(
    { method: seen.method, target: seen.target, host: seen.host, body: seen.bodyHash },
    {
      method: meaning.method,
      target: fill(meaning.target),
      host: meaning.host ?? 'origin.example',
      body: bodyHash(Buffer.from(fill(meaning.body), 'latin1')),
    },
  )
  const fields = new Map(seen.headers)
  for (const [name, value] of Object.entries(meaning.headers ?? {})) assert.equal(fields.get(name), value, name)
  for (const name of meaning.absent ?? []) assert.equal(fields.get(name), undefined, name)
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
