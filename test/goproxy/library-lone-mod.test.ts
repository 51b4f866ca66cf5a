import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FixtureOrigin, gone } from '../support/goproxy/fixture-origin.ts'
import { makeModule } from '../support/goproxy/module-fixtures.ts'
import { ask, codeOf, testLibrary } from '../support/goproxy/test-library.ts'

const module = 'example.com/tool'

test('G14 a go.mod whose version has no .info, as in a module cache, is served, and nothing else of it', async (t) => {
  const origin = new FixtureOrigin([await makeModule(module, 'v1.0.0')])
  origin.hook = (what) => {
    if (what.startsWith('info ')) throw gone(what)
  }
  const { library } = await testLibrary(t, { origin })
  for (let time = 0; time < 2; time++) {
    const { bytes, freshUntilMs } = await library.mod(module, 'v1.0.0', ask())
    assert.equal(bytes.toString(), origin.modules[0]!.mod.toString())
    assert.equal(freshUntilMs, Infinity)
    assert.equal(await codeOf(library.info(module, 'v1.0.0', ask())), 'ERR_MODULE_NOT_FOUND')
    assert.equal(await codeOf(library.zip(module, 'v1.0.0', ask())), 'ERR_MODULE_NOT_FOUND')
  }
  assert.equal(origin.times(`mod ${module}@v1.0.0`), 1)
  const offline = await library.mod(module, 'v1.0.0', ask({ fetch: false }))
  assert.equal(offline.bytes.toString(), origin.modules[0]!.mod.toString())
})

test('G9 a go.mod whose .info could not be asked for is no answer', async (t) => {
  const origin = new FixtureOrigin([await makeModule(module, 'v1.0.0')])
  origin.hook = (what) => {
    if (what.startsWith('info ')) throw new Error('a bug')
  }
  const { library } = await testLibrary(t, { origin })
  await assert.rejects(library.mod(module, 'v1.0.0', ask()), /a bug/)
})
