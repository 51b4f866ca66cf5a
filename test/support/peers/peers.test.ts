import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { apacheBefore } from './apache.ts'
import { startCaddy } from './caddy.ts'
import { haproxyBefore } from './haproxy.ts'
import { nginxBefore } from './nginx.ts'
import { bodyHash, startRecordingOrigin } from './recording-origin.ts'
import { requireProgram } from './require-program.ts'
import type { Peer } from './spawn-peer.ts'

const fronts: [string, (originPort: number) => Promise<Peer>][] = [
  ['nginx', nginxBefore],
  ['apache2', apacheBefore],
  ['haproxy', haproxyBefore],
  [
    'caddy',
    (originPort) =>
      startCaddy({
        sites: (port, folder) =>
          `http://127.0.0.1:${port} {\n  log {\n    output file ${folder}/access.log\n  }\n  reverse_proxy 127.0.0.1:${originPort}\n}`,
      }),
  ],
]

describe('peers', { concurrency: true }, () => {
  for (const [program, start] of fronts) {
    test(`${program} passes a request on to the recording origin, and logs it`, async (t) => {
      if (!requireProgram(t, program)) return
      const origin = await startRecordingOrigin()
      t.after(() => origin.stop())
      const peer = await start(origin.port)
      t.after(() => peer.stop())
      const reply = await fetch(`http://127.0.0.1:${peer.port}/a/b?c=d`, { method: 'POST', body: 'hello' })
      assert.equal(reply.status, 200)
      await reply.text()
      assert.equal(origin.seen.length, 1)
      const [seen] = origin.seen
      assert.deepEqual([seen?.method, seen?.target, seen?.bodyHash], ['POST', '/a/b?c=d', bodyHash('hello')])
      await logged(peer, 1)
    })
  }
})

/** Waits until the peer has logged that many requests; the runner's own timeout ends a wait in vain. */
async function logged(peer: Peer, count: number): Promise<void> {
  while (peer.accessLog().filter((line) => /POST/.test(line)).length < count) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
