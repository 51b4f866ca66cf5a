import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeModule } from '../support/goproxy/module-fixtures.ts'
import { startModules } from '../support/goproxy/module-door.ts'
import { startProxyPeer } from '../support/goproxy/proxy-origin.ts'
import { startTinyproxy } from '../support/peers/parents.ts'
import { requireProgram } from '../support/peers/require-program.ts'

test('members of a chain are asked through goproxy.parent, but one that has parent: off', async (t) => {
  if (!requireProgram(t, 'tinyproxy')) return
  const parent = await startTinyproxy(t)
  const [first, second] = [
    await startProxyPeer(t),
    await startProxyPeer(t, { modules: [await makeModule('example.com/tool', 'v1.0.0')] }),
  ]
  const door = await startModules(t, {
    goproxy: {
      chain: `${first.url},${second.url}`,
      parent: 'corporate',
      upstreams: { [second.url]: { parent: 'off' } },
    },
    config: { parents: { corporate: { url: `http://127.0.0.1:${parent.port}` } } },
  })
  assert.equal((await door.ask('/example.com/tool/@v/v1.0.0.mod')).status, 200)
  assert.ok(first.asked.length > 0)
  const asked = parent.accessLog().join('\n')
  assert.match(asked, new RegExp(`CONNECT 127\\.0\\.0\\.1:${first.port}`))
  assert.doesNotMatch(asked, new RegExp(`CONNECT 127\\.0\\.0\\.1:${second.port}`))
})
