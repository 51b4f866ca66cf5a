import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { generateSignerKey, readSignerKey } from '../../src/gomod/sumdb/note-key.ts'
import { GoCommand } from '../support/goproxy/go-command.ts'
import { makeModule } from '../support/goproxy/module-fixtures.ts'
import { startProxyPeer, type ProxyPeer, type ProxyScript } from '../support/goproxy/proxy-origin.ts'
import { doctorReport } from '../support/goproxy/run-doctor.ts'
import { requireProgram } from '../support/peers/require-program.ts'

const module = 'code.example/Tool'

/** What the first member does to requests whose path it takes; the rest it has. */
const moods: [name: string, takes: RegExp, script: ProxyScript][] = [
  ['200', /^$/, () => false],
  ['404', /./, status(404)],
  ['410', /./, status(410)],
  ['403', /./, status(403)],
  ['429', /./, status(429)],
  ['500', /./, status(500)],
  ['502 for .mod', /\.mod$/, status(502)],
  ['404 for .info', /\.info$/, status(404)],
  ['404 for .zip', /\.zip$/, status(404)],
  ['204', /./, status(204)],
  ['a redirect to nowhere', /./, redirect('http://127.0.0.1:1/')],
  ['a reset', /./, reset],
]

function status(code: number): ProxyScript {
  return (_, response) => {
    response.writeHead(code).end()
    return true
  }
}

function redirect(location: string): ProxyScript {
  return (_, response) => {
    response.writeHead(302, { Location: location }).end()
    return true
  }
}

function reset(_: unknown, response: Parameters<ProxyScript>[1]): boolean {
  response.socket!.resetAndDestroy()
  return true
}

/** The files of the module that a peer was asked for, each once: one that fails may be asked for again. */
function askedOf(peer: ProxyPeer): string[] {
  const paths = peer.asked.splice(0).filter((path) => path.startsWith('/code.example/%21tool/'))
  return [...new Set(paths.map((path) => /(?:\.(?:info|mod|zip)|list|@latest)$/.exec(path)![0]))]
}

async function bothWays(
  t: TestContext,
  mark: ',' | '|',
  query: string,
  only: (name: string) => boolean,
): Promise<void> {
  const known = await Promise.all(['v1.0.0', 'v1.1.0', 'v1.2.0-rc.1'].map((version) => makeModule(module, version)))
  const other = await makeModule(module, 'v1.9.9')
  const [first, second] = [
    await startProxyPeer(t, { modules: known }),
    await startProxyPeer(t, { modules: [...known, other] }),
  ]
  const chain = `${first.url}${mark}${second.url}`
  const go = await GoCommand.make(t, { proxy: chain })
  for (const [name, takes, script] of moods.filter(([each]) => only(each))) {
    first.script = (request, response) => takes.test(request.url!) && script(request, response)
    await go.forget()
    const { code, stdout } = await go.run('mod', 'download', '-json', `${module}@${query}`)
    const asked = [askedOf(first), askedOf(second)]
    const { replay } = await doctorReport(t, [chain, `${module}@${query}`], { env: { GOSUMDB: 'off' } })
    assert.equal(replay!.succeeds, code === 0, `${name}: ${stdout}`)
    const { Version: version }: { Version?: string } = JSON.parse(stdout)
    if (code === 0) assert.equal(replay!.version, version, name)
    const replayed = [first, second].map(({ url }) =>
      replay!.steps.filter(({ member }) => member === url).map(({ wants }) => wants),
    )
    // For a shortened version, the go command looks for retractions as well, in the latest version's go.mod.
    const both = asked.map((files, peer) =>
      query === 'v1.0.0' ? files : files.filter((file) => replayed[peer]!.includes(file)),
    )
    assert.deepEqual(replayed, both, `${name} ${query}`)
    for (const peer of [first, second]) peer.asked = []
  }
}

const few = (name: string): boolean => ['200', '404', '500'].includes(name)

for (const mark of [',', '|'] as const) {
  test(`G4 the replay asks what the real go command asks, and ends as it does, behind ${mark}`, async (t) => {
    if (!requireProgram(t, 'go')) return
    await bothWays(t, mark, 'v1.0.0', () => true)
  })
}

test('G4 G12 the replay of latest, of a shortened version, and of what no list has', async (t) => {
  if (!requireProgram(t, 'go')) return
  await bothWays(t, ',', 'latest', few)
  await bothWays(t, '|', 'v1.0', few)
  await bothWays(t, ',', 'v1.9', few)
  await bothWays(t, '|', 'v1.9', few)
  await bothWays(t, ',', 'main', few)
})

test('G24 the way to the checksum database is the go command’s', async (t) => {
  if (!requireProgram(t, 'go')) return
  const modules = [await makeModule(module, 'v1.0.0')]
  const [first, second] = [await startProxyPeer(t, { modules }), await startProxyPeer(t, { modules })]
  // Where the database itself is asked, nobody is there.
  const name = '127.0.0.1:1'
  const sumdb = readSignerKey(generateSignerKey(name)).verifierKey
  for (const [mark, tail] of [
    [',', ''],
    ['|', ''],
    ['|', ',direct'],
    ['|', ',off'],
  ] as const) {
    const chain = `${first.url}${mark}${second.url}${tail}`
    const go = await GoCommand.make(t, { proxy: chain, sumdb })
    for (const code of [404, 403, 500]) {
      first.script = (request, response) => request.url!.startsWith('/sumdb/') && status(code)(request, response)
      await go.forget({ sumdb: true })
      const { stdout } = await go.run('mod', 'download', '-json', `${module}@v1.0.0`)
      const isAskedItself = stdout.includes(`https://${name}/lookup/`)
      assert.ok(isAskedItself || stdout.includes(`/supported: ${code}`), stdout)
      const { replay } = await doctorReport(t, [chain, `${module}@v1.0.0`], { env: { GOSUMDB: sumdb } })
      assert.equal(replay!.succeeds, isAskedItself, `${code} ${mark} ${tail}: ${stdout}`)
    }
  }
})
