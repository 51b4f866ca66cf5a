import { describe, test } from 'node:test'
import { startForward } from '../support/forward/start-forward.ts'
import { startRecordingOrigin } from '../support/peers/recording-origin.ts'
import { hold, nameOf } from './hold.ts'
import type { Vector } from './vector.ts'
import { vectors } from './vectors.ts'

const prefix = 'http://origin.example'
const originForm = /^([A-Z]+) \/\{id\}/

/**
 * Those of one request, with an absolute target in its place. A path is not normalised here (H24), nothing is said of
 * the client (H18), and what is longer by the host may meet a bound earlier (H11).
 */
function asked(vector: Vector): Vector[] {
  const { bytes, forwarded, spec } = vector
  if (!originForm.test(bytes) || forwarded.length > 1 || /H11|H18|H24/.test(spec)) return []
  return [{ ...vector, bytes: bytes.replace(originForm, `$1 ${prefix}/{id}`) }]
}

describe('the corpus through the forward proxy', () => {
  test('each vector is refused, or means the same to its origin', async (t) => {
    const origin = await startRecordingOrigin()
    t.after(() => origin.stop())
    const rules = [{ match: { host: 'origin.example' }, redirectTo: `127.0.0.1:${origin.port}` }]
    const proxy = await startForward(t, { rules })
    for (const [index, vector] of vectors.flatMap(asked).entries()) {
      await t.test(`${vector.spec} ${vector.name}`, { timeout: 5_000 }, () =>
        hold(vector, nameOf('v', index), { port: proxy.port, origin, prefix }, false),
      )
    }
  })
})
