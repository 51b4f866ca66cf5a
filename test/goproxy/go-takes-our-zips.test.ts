import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { GoCommand } from '../support/goproxy/go-command.ts'
import { makeModule, writeDownloadFolder } from '../support/goproxy/module-fixtures.ts'
import { requireProgram } from '../support/peers/require-program.ts'

test('G21 G22 G23 the go command takes the zips that are built here, and computes the same h1', async (t) => {
  if (!requireProgram(t, 'go')) return
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-zips-'))
  t.after(() => rm(folder, { recursive: true }))
  const modules = await Promise.all([
    makeModule('example.com/Upper/Case', 'v1.0.0-RC1'),
    makeModule('example.com/major/v2', 'v2.3.4'),
    makeModule('gopkg.in/old.v1', 'v1.0.0', { withoutGoMod: true }),
    makeModule('example.com/plain', 'v3.0.0+incompatible', { withoutGoMod: true }),
    makeModule('example.com/many', 'v1.0.0', {
      files: {
        'go.mod': 'module example.com/many\n\ngo 1.24\n',
        LICENSE: 'MIT\n',
        'empty.txt': '',
        'big.txt': 'large enough to come in pieces '.repeat(50_000),
        'random.bin': Buffer.from(Array.from({ length: 100_000 }, (_, at) => (at * at * 31 + at) & 0xff)),
        'dir/ünï.txt': 'letters',
        'dir/日本.txt': 'letters',
        'vendor/modules.txt': 'left out',
        'vendor/example.com/x/x.go': 'package x\n',
        'nested/go.mod': 'module example.com/many/nested\n',
        'nested/x.go': 'package nested\n',
      },
    }),
  ])
  await writeDownloadFolder(folder, modules)
  const go = await GoCommand.make(t, { proxy: pathToFileURL(folder).href })
  const names = modules.map(({ module, version }) => `${module}@${version}`)
  const { code, stdout, stderr } = await go.run('mod', 'download', '-json', ...names)
  assert.equal(code, 0, stderr + stdout)
  const said: { Path: string; Sum: string; GoModSum: string }[] = JSON.parse(`[${stdout.replaceAll('}\n{', '},{')}]`)
  const sums = said.map(({ Path, Sum, GoModSum }) => [Path, Sum, GoModSum])
  assert.deepEqual(
    sums,
    modules.map(({ module, h1, modH1 }) => [module, h1, modH1]),
  )
})
