import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { TurnpikeError } from '../../src/core/error.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import { GoCommand } from '../support/goproxy/go-command.ts'
import { makeModule } from '../support/goproxy/module-fixtures.ts'
import { startProxyPeer, type ProxyPeer, type ProxyScript } from '../support/goproxy/proxy-origin.ts'
import { testChain } from '../support/goproxy/test-chain.ts'

const MODULE = 'example.com/pump'
const VERSION = 'v1.4.2'

const status =
  (code: number): ProxyScript =>
  (_request, response) =>
    response.writeHead(code, { 'Content-Type': 'text/plain' }).end(`says ${code}`)

/** What the first member does to each request. */
const members: Record<string, ProxyScript> = {
  ...Object.fromEntries([204, 404, 410, 401, 403, 429, 500, 503].map((code) => [String(code), status(code)])),
  'a redirect to itself': (_request, response) => response.writeHead(302, { Location: '?again' }).end(),
  'a reset': (_request, response) => (response.socket!.resetAndDestroy(), true),
  'a short body': (_request, response) =>
    response.writeHead(200, { 'Content-Length': 100 }).write('{', () => response.socket!.destroy()),
  'a page': (_request, response) => response.writeHead(200).end('<h1>Log in</h1>'),
  'another version': (_request, response) => response.writeHead(200).end('{"Version":"v1.4.3"}'),
}

/** Lists as the go command understands them: `A` misbehaves, `B` has the module, `none` has nothing. */
const lists = [' A , , B ', 'A|off', 'off,B', 'off|B', 'A|none', 'A,none', 'none|A', 'none,A']

/** Whether there was an answer, and who was asked for it. */
interface Outcome {
  answered: boolean
  askedA: boolean
  askedB: boolean
  /** The text of A's error is in what people are told. */
  tellsA: boolean
}

function outcomeOf(answered: boolean, told: string, name: string, a: ProxyPeer, b: ProxyPeer): Outcome {
  const outcome = {
    answered,
    askedA: a.asked.length > 0,
    askedB: b.asked.length > 0,
    tellsA: told.includes(`says ${name}`),
  }
  a.asked.length = b.asked.length = 0
  return outcome
}

test('G4 G10 the chain asks whom the real go command asks, and tells the error that it tells', async (t) => {
  if (!requireProgram(t, 'go')) return
  const fixture = await makeModule(MODULE, VERSION)
  const rows = Object.entries(members).flatMap(([name, script]) =>
    ['A,B', 'A|B'].map((list) => [name, script, list] as const),
  )
  for (const list of lists) for (const code of [404, 503]) rows.push([String(code), status(code), list])
  for (const [name, script, list] of rows) {
    await t.test(`${name} in ${list}`, async (inner: TestContext) => {
      const a = await startProxyPeer(inner, { script })
      const b = await startProxyPeer(inner, { modules: [fixture] })
      const none = await startProxyPeer(inner)
      const chain = list.replace('A', a.url).replace('B', b.url).replace('none', none.url)
      const go = await GoCommand.make(inner, { proxy: chain })
      const { code, stderr } = await go.run('list', '-m', `${MODULE}@${VERSION}`)
      const real = outcomeOf(code === 0, stderr, name, a, b)
      const made = testChain(inner, { chain })
      const told = await made.chain.info(MODULE, VERSION, made.ask()).then(
        () => null,
        (error: unknown) => (error instanceof TurnpikeError ? error.message : assert.fail(String(error))),
      )
      assert.deepEqual(outcomeOf(told === null, told ?? '', name, a, b), real, stderr)
    })
  }
})
