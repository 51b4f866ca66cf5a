import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { GoCommand } from '../support/goproxy/go-command.ts'
import { SumdbServer } from '../support/goproxy/sumdb-server.ts'
import { startModules } from '../support/goproxy/module-door.ts'
import { project, realModules, serveRealModules } from '../support/goproxy/real-modules.ts'

test('modules of the world through the proxy: the same as from the upstream alone', async (t) => {
  const upstream = await serveRealModules(t)
  if (upstream === null) return
  const database = await SumdbServer.start(t)
  await database.add(...upstream.sums)
  const { verifierKey } = database
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-modules-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const { url } = await startModules(t, {
    goproxy: {
      chain: upstream.url,
      sumdb: { name: database.name, key: verifierKey, url: database.url },
      store: { disk: { path: folder } },
    },
  })
  // The go command takes no toolchain without a checksum database: here one mirrored, there one asked itself.
  const through = await GoCommand.make(t, { proxy: url, sumdb: verifierKey })
  const alone = await GoCommand.make(t, { proxy: upstream.url, sumdb: `${verifierKey} ${database.url}` })

  await t.test('go mod download -json, with an empty module cache', async () => {
    const wanted = sums((await alone.run('mod', 'download', '-json', ...Object.values(realModules))).stdout)
    const { code, stdout, stderr } = await through.run('mod', 'download', '-json', ...Object.values(realModules))
    assert.deepEqual(sums(stdout), wanted)
    assert.equal(code, 0, stderr)
    assert.equal(wanted.length, Object.keys(realModules).length)
  })

  await t.test('again: nothing is fetched twice', async () => {
    const before = upstream.asked.length
    await through.forget()
    const small = Object.entries(realModules).flatMap(([what, version]) =>
      /large|toolchain/.test(what) ? [] : [version],
    )
    assert.equal((await through.run('mod', 'download', '-json', ...small)).code, 0)
    assert.deepEqual(
      upstream.asked.slice(before).filter((path) => /\.(?:mod|zip)$/.test(path)),
      [],
    )
  })

  await t.test('go list -m -versions, retracted ones too', async () => {
    for (const module of ['github.com/klauspost/compress', 'github.com/BurntSushi/toml', 'gopkg.in/yaml.v2']) {
      for (const flags of [[], ['-retracted']]) {
        const listed = async (go: GoCommand) => go.run('list', '-m', '-versions', ...flags, module)
        const [one, other] = [await listed(through), await listed(alone)]
        assert.equal(one.code, 0, one.stderr)
        assert.equal(one.stdout, other.stdout)
      }
    }
    assert.match(
      (await through.run('list', '-m', '-versions', '-retracted', 'github.com/klauspost/compress')).stdout,
      /v1\.14\.2/,
    )
  })

  await t.test('go mod tidy, go get -u ./..., go mod verify on a project', async () => {
    const outcomes = []
    for (const go of [alone, through]) {
      await go.forget()
      for (const [file, text] of Object.entries(project)) writeFileSync(join(go.folder, file), text)
      const texts = []
      for (const args of [
        ['mod', 'tidy'],
        ['get', '-u', './...'],
        ['mod', 'tidy'],
        ['mod', 'verify'],
      ]) {
        const { code, stderr } = await go.run(...args)
        assert.equal(code, 0, `go ${args.join(' ')}: ${stderr}`)
        texts.push(...['go.mod', 'go.sum'].map((file) => readFileSync(join(go.folder, file), 'utf8')))
      }
      outcomes.push(texts)
    }
    assert.deepEqual(outcomes[1], outcomes[0])
  })
})

/** What `go mod download -json` says of each, without the paths of its caches. */
function sums(stdout: string): unknown[] {
  return stdout
    .split(/^(?=\{)/m)
    .map((text) => {
      const { Path, Version, Sum, GoModSum, Error: fault }: Record<string, string> = JSON.parse(text)
      return [Path, Version, Sum, GoModSum, fault]
    })
    .map((each) => JSON.stringify(each))
    .toSorted((a, b) => a.localeCompare(b))
}
