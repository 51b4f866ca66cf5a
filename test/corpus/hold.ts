import assert from 'node:assert/strict'
import { bodyHash, type RecordingOrigin, type SeenRequest } from '../support/peers/recording-origin.ts'
import { RawClient } from './client.ts'
import { message, type Meaning, type Vector } from './vector.ts'

/** A name for one run, as long as its placeholder `{id}`, so that lengths in the vectors stay true. */
export const nameOf = (kind: 'v' | 'b', index: number): string => kind + String(index).padStart(3, '0')

/** Whether the connection ends by itself after the vector. */
export const ends = (vector: Vector): boolean => vector.refused !== undefined || vector.closes === true

/**
 * Sends one vector to a port, and holds what came back and what the origin saw against what it should mean. `prefix`:
 * what stands before the path of each target. Default: nothing.
 */
export async function hold(
  vector: Vector,
  id: string,
  { port, origin, prefix = '' }: { port: number; origin: RecordingOrigin; prefix?: string },
  bytewise: boolean,
): Promise<void> {
  const fill = (text: string): string => text.replaceAll('{id}', id)
  const sent = fill(vector.bytes)
  origin.clear()
  const client = new RawClient(port)
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
      client.send(message([`GET ${prefix}/${id}/end HTTP/1.1`, 'Host: origin.example', 'Connection: close']))
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
