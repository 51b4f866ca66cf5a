import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { GoCommand } from '../support/goproxy/go-command.ts'
import { keepFixture } from '../support/goproxy/keep-fixture.ts'
import { makeModule } from '../support/goproxy/module-fixtures.ts'
import { openTestStore } from '../support/goproxy/open-test-store.ts'
import { requireProgram } from '../support/peers/require-program.ts'

test("G14 the folder of a disk store is a GOPROXY by itself, and the go command's own cache looks like it", async (t) => {
  if (!requireProgram(t, 'go')) return
  const path = await mkdtemp(join(tmpdir(), 'store-layout-'))
  t.after(() => rm(path, { recursive: true }))
  const store = await openTestStore(t, { disk: { path } })
  const modules = [
    await makeModule('example.com/Azure/sdk', 'v1.0.0-RC1'),
    await makeModule('example.com/old', 'v2.0.0+incompatible', { withoutGoMod: true }),
  ]
  for (const fixture of modules) await keepFixture(store, fixture)
  const go = await GoCommand.make(t, { proxy: pathToFileURL(join(path, 'cache/download')).href })
  for (const { module, version, h1 } of modules) {
    const { code, stdout, stderr } = await go.run('mod', 'download', '-json', `${module}@${version}`)
    assert.equal(code, 0, stderr)
    const downloaded: { Sum: string; Info: string } = JSON.parse(stdout)
    assert.equal(downloaded.Sum, h1)
    const [its, ours] = [go.modCache, path].map((cache) =>
      join(cache, downloaded.Info.slice(go.modCache.length, -'.info'.length)),
    )
    for (const file of ['info', 'mod', 'zip', 'ziphash']) {
      assert.ok((await readFile(`${its}.${file}`)).equals(await readFile(`${ours}.${file}`)), `${version}.${file}`)
    }
  }
})
