import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { check } from '../../src/cli/check.ts'
import { ConfigError, renderProblem } from '../../src/config/errors.ts'
import { loadConfig, type LoadedConfig } from '../../src/config/load.ts'
import { importedModules } from '../../src/config/module-graph.ts'
import { Turnpike } from '../../src/turnpike.ts'
import { assertLedgerBaseline } from '../support/gateway.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import { ask, connectRaw, get, post } from '../support/raw-client.ts'

const tenant = `import { defineMiddleware } from 'turnpike'
import { z } from 'zod'

export default defineMiddleware({
  name: 'tenant',
  options: z.strictObject({ header: z.string().default('x-tenant') }),
  create({ header }) {
    return { response(exchange) { exchange.response!.headers.set(header, 'first') } }
  },
})
`

class Folder {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  static async make(t: TestContext, files: Record<string, string> = {}): Promise<Folder> {
    const folder = new Folder(await mkdtemp(join(tmpdir(), 'turnpike-own-')))
    t.after(() => rm(folder.path, { recursive: true, force: true }))
    for (const [name, text] of Object.entries(files)) await folder.write(name, text)
    return folder
  }

  async write(name: string, text: string): Promise<void> {
    const file = join(this.path, name)
    await mkdir(join(file, '..'), { recursive: true })
    await writeFile(file, text)
  }

  /** A config with that \`use\`, and one route. */
  async config(use: string, rest = 'respond: { body: hello }'): Promise<void> {
    await this.write(
      'turnpike.yaml',
      `listeners: { web: { address: "127.0.0.1:0", door: gateway } }
admin: off
log: { access: off }
gateway:
  use: ${use}
  routes:
    - { name: all, ${rest} }
`,
    )
  }

  load(): Promise<LoadedConfig> {
    return loadConfig('turnpike.yaml', { cwd: this.path, env: {} })
  }

  async problems(): Promise<string[]> {
    return this.load().then(
      () => [],
      (error: unknown) => {
        assert.ok(error instanceof ConfigError, String(error))
        return error.problems.map((problem) => renderProblem(problem))
      },
    )
  }
}

const nothing = (): void => {}

interface Served {
  turnpike: Turnpike
  port: number
}

async function serve(t: TestContext, loaded: LoadedConfig, reported: unknown[] = []): Promise<Served> {
  const turnpike = await Turnpike.start(loaded, {
    logger: {
      error: (_message, fields) => reported.push(fields),
      warn: nothing,
      info: nothing,
      debug: nothing,
    },
  })
  t.after(async () => {
    await turnpike.stop(0)
    await assertLedgerBaseline(turnpike)
  })
  const bound = turnpike.addresses.get('web')!
  return { turnpike, port: bound.kind === 'tcp' ? bound.port : 0 }
}

/** What one hook's text does to an exchange, in front of an origin. */
async function hooked(
  t: TestContext,
  hooks: string,
  script?: Parameters<typeof startOrigin>[1],
): Promise<Served & { reported: unknown[]; requests: { body: string; field(name: string): string | undefined }[] }> {
  const origin = await startOrigin(t, script ?? answering(() => ok('from the origin')))
  const folder = await Folder.make(t, {
    'own.ts': `import { defineMiddleware, readBody, textReply, transformBody } from 'turnpike'
import { z } from 'zod'
export default defineMiddleware({ name: 'own', options: z.object({}), create: () => (${hooks}) })
`,
  })
  await folder.config('[./own.ts]', `to: app }\n  upstreams:\n    app: { endpoints: ["${origin.url}"]`)
  const reported: unknown[] = []
  return { ...(await serve(t, await folder.load(), reported)), reported, requests: origin.requests }
}

describe('a module of one\u2019s own', () => {
  test('is loaded with the config, with or without options, by name or in place', async (t) => {
    const folder = await Folder.make(t, { 'lib/tenant.ts': tenant })
    for (const [use, header] of [
      ['[./lib/tenant.ts]', 'x-tenant'],
      ['[{ ./lib/tenant.ts: { header: x-who } }]', 'x-who'],
      ['[{ ./lib/tenant.ts: }]', 'x-tenant'],
      ['[named]\nmiddlewares: { named: { ./lib/tenant.ts: { header: x-named } } }', 'x-named'],
    ] as const) {
      const [list, more = ''] = use.split('\n')
      await folder.config(list!)
      if (more !== '') {
        await folder.write('turnpike.yaml', `${await readFile(join(folder.path, 'turnpike.yaml'), 'utf8')}${more}\n`)
      }
      const loaded = await folder.load()
      assert.ok(loaded.source.files.has(join(folder.path, 'lib/tenant.ts')))
      const { port } = await serve(t, loaded)
      assert.equal((await ask(port, get())).field(header), 'first', use)
    }
  })

  test('its options are checked like any others, in their place', async (t) => {
    const folder = await Folder.make(t, {
      'tenant.ts': tenant,
      'strict.ts': tenant.replace(".default('x-tenant')", ''),
    })
    await folder.config('[{ ./tenant.ts: { haeder: x-who, header: 7 } }, ./strict.ts]')
    assert.deepEqual(await folder.problems(), [
      'turnpike.yaml:5:26: gateway.use[0]["./tenant.ts"].haeder is not a known key (did you mean "header"?) [ERR_CONFIG_UNKNOWN_KEY]',
      'turnpike.yaml:5:49: gateway.use[0]["./tenant.ts"].header: expected text, found 7: put it in quotes [ERR_CONFIG_INVALID]',
      'turnpike.yaml:5:56: gateway.use[1].header is missing [ERR_CONFIG_INVALID]',
    ])
  })

  test('what is wrong with it is an error of the config, with both places', async (t) => {
    const folder = await Folder.make(t, {
      'syntax.ts': 'const a = 1\nexport default {{\n',
      'throws.ts': "\n\nthrow new Error('not today')\n",
      'named.ts': 'export const tenant = 1\n',
      'wrong.ts': 'export default { name: 7 }\n',
      'deep.ts': "import './lib/broken.ts'\nexport default 1\n",
      'lib/broken.ts': "\nthrow new Error('deep down')\n",
      'dangling.ts': "import './lib/absent.ts'\nexport default 1\n",
    })
    await folder.config('[./syntax.ts, ./throws.ts, ./named.ts, ./wrong.ts, ./deep.ts, ./dangling.ts, ./absent.ts]')
    const problems = await folder.problems()
    const at = (text: string): string => problems.find((problem) => problem.includes(text)) ?? problems.join('\n')
    assert.match(
      at('./syntax.ts'),
      /^turnpike\.yaml:5:9: gateway\.use\[0\]: \.\/syntax\.ts cannot be loaded: syntax\.ts:2:\d+: .+ \[ERR_CONFIG_MODULE\]$/,
    )
    assert.match(at('./throws.ts'), /^turnpike\.yaml:5:22: .*throws\.ts:3:7: not today/)
    assert.match(at('./named.ts'), /has no default export: write `export default defineMiddleware/)
    assert.match(at('./wrong.ts'), /exports no middleware/)
    assert.match(at('./deep.ts'), /\.\/deep\.ts cannot be loaded: lib\/broken\.ts:2:7: deep down/)
    assert.match(at('./dangling.ts'), /\.\/dangling\.ts cannot be loaded: .*absent\.ts/)
    assert.match(at('./absent.ts'), /there is no such file/)
    assert.equal(problems.length, 7)
  })

  test('an error names every file that a fix may be in', async (t) => {
    const folder = await Folder.make(t, { 'own.ts': "import './lib/absent.ts'\nexport default 1\n" })
    await folder.config('[./own.ts]')
    const error: unknown = await folder.load().catch((thrown: unknown) => thrown)
    assert.ok(error instanceof ConfigError)
    assert.deepEqual(
      [...(error.files ?? new Map<string, string>()).keys()].map((file) => file.slice(folder.path.length + 1)),
      ['turnpike.yaml', 'own.ts', 'lib/absent.ts'],
    )
    await folder.write('lib/absent.ts', '')
    await folder.write('own.ts', tenant)
    assert.deepEqual(await folder.problems(), [])
  })

  test('a config module is read anew when a file that it imports changes', async (t) => {
    const folder = await Folder.make(t, {
      'turnpike.config.ts': `import { defineConfig } from 'turnpike'
import { body } from './body.ts'
export default defineConfig({
  listeners: { web: { address: '127.0.0.1:0', door: 'gateway' } },
  gateway: { routes: [{ name: 'all', respond: { body } }] },
})
`,
      'body.ts': "export const body = 'one'\n",
    })
    const body = async (): Promise<string | undefined> => {
      const { config, source } = await loadConfig('turnpike.config.ts', { cwd: folder.path })
      assert.deepEqual([...source.files.keys()].length, 2)
      return config.gateway?.routes[0]?.respond?.body
    }
    assert.equal(await body(), 'one')
    await folder.write('body.ts', "export const body = 'two'\n")
    assert.equal(await body(), 'two')
    await folder.write('body.ts', "throw new Error('no body')\nexport const body = ''\n")
    await assert.rejects(body(), /turnpike\.config\.ts:1:1: the module cannot be loaded: body\.ts:1:7: no body/)
  })

  test('a create that throws is an error at its place', async (t) => {
    const folder = await Folder.make(t, {
      'own.ts': tenant.replace('return {', "throw new Error('no such table')\n    return {"),
      'nothing.ts': tenant.replace(/return \{.*\}\n/, ''),
    })
    for (const [use, message] of [
      ['[./own.ts]', 'turnpike.yaml:5:9: ./own.ts: its `create` failed: no such table [ERR_CONFIG_MODULE]'],
      ['[./nothing.ts]', 'turnpike.yaml:5:9: ./nothing.ts: its `create` returned no middleware [ERR_CONFIG_MODULE]'],
    ] as const) {
      await folder.config(use)
      await assert.rejects(Turnpike.start(await folder.load()), (error: unknown) => {
        assert.ok(error instanceof ConfigError)
        assert.deepEqual(
          error.problems.map((problem) => renderProblem(problem)),
          [message],
        )
        return true
      })
      const said = { stdout: '', stderr: '' }
      const io = {
        stdout: { write: (text: string) => (said.stdout += text) },
        stderr: { write: (text: string) => (said.stderr += text) },
        cwd: folder.path,
        env: {},
      }
      assert.equal(await check([], io), 1)
      assert.equal(said.stdout, `${message}\n`, 'check says it too')
    }
  })

  test('is imported anew when it has changed, or a file that it imports; else never', async (t) => {
    const folder = await Folder.make(t, {
      'own.ts': tenant
        .replace("'first'", 'word()')
        .replace('import { z }', "import { word } from './lib/word.ts'\nimport { z }"),
      'lib/word.ts': "import { text } from './text.ts'\nexport const word = () => text\n",
      'lib/text.ts': "export const text = 'one'\n",
    })
    await folder.config('[./own.ts]')
    const says = async (): Promise<string | undefined> => {
      const { port } = await serve(t, await folder.load())
      return (await ask(port, get())).field('x-tenant')
    }
    const before = importedModules()
    assert.equal(await says(), 'one')
    assert.equal(importedModules() - before, 3)
    const { revision } = await folder.load()
    assert.equal(await says(), 'one')
    assert.equal(importedModules() - before, 3, 'unchanged')

    await folder.write('lib/text.ts', "export const text = 'two'\n")
    assert.equal(await says(), 'two')
    assert.equal(importedModules() - before, 6)
    const { turnpike } = await serve(t, await folder.load())
    assert.equal(turnpike.services.ledger.count('modules'), importedModules(), 'the ledger shows them')
    assert.notEqual((await folder.load()).revision, revision, 'another config')

    await folder.write('lib/text.ts', "export const text = 'one'\n")
    assert.equal(await says(), 'one')
    assert.equal((await folder.load()).revision, revision, 'the same config again')

    await folder.write('own.ts', tenant.replace('first', 'alone'))
    assert.equal(await says(), 'alone')
    await folder.write('own.ts', 'broken(')
    assert.equal((await folder.problems()).length, 1)
    await folder.write('own.ts', tenant.replace('first', 'mended'))
    assert.equal(await says(), 'mended')
  })
})

describe('hooks of one\u2019s own', () => {
  test('a reply in place of the handler', async (t) => {
    const { port, requests } = await hooked(t, "{ request: () => textReply(403, 'not you', [['X-Why', 'because']]) }")
    const reply = await ask(port, get())
    assert.equal(reply.status, 403)
    assert.equal(reply.body, 'not you')
    assert.equal(reply.field('x-why'), 'because')
    assert.equal(reply.field('content-type'), 'text/plain; charset=utf-8')
    assert.equal(requests.length, 0)
  })

  for (const [what, hooks] of [
    ['throws in request', "{ request() { throw new Error('oh no') } }"],
    ['rejects in request', "{ async request() { throw new Error('oh no') } }"],
    ['throws in response', "{ response() { throw new Error('oh no') } }"],
    ['rejects in response', "{ async response() { throw new Error('oh no') } }"],
  ] as const) {
    test(`a hook that ${what} gives 500 ERR_MIDDLEWARE, and is reported`, async (t) => {
      // Longer than what a connection is read on for.
      const { port, reported, turnpike } = await hooked(
        t,
        hooks,
        answering(() => ok('x'.repeat(1_000_000))),
      )
      const reply = await ask(port, get())
      assert.equal(reply.status, 500)
      assert.match(reply.body, /ERR_MIDDLEWARE/)
      assert.doesNotMatch(reply.body, /oh no/)
      assert.equal(reported.length, 1)
      const { ledger } = turnpike.services
      while (ledger.count('exchanges') > 0) await new Promise((resolve) => setTimeout(resolve, 2))
    })
  }

  test('a hook that never resolves: the client goes, and nothing is left', async (t) => {
    for (const hooks of ['{ request: () => new Promise(() => {}) }', '{ response: () => new Promise(() => {}) }']) {
      const { port, turnpike } = await hooked(
        t,
        hooks,
        answering(() => ok('x'.repeat(1_000_000))),
      )
      const { ledger } = turnpike.services
      const client = await connectRaw(port)
      client.send(get())
      while (ledger.count('exchanges') === 0) await new Promise((resolve) => setTimeout(resolve, 2))
      client.reset()
      const start = performance.now()
      const busy = (): number => ledger.count('exchanges') + ledger.count('upstreamSockets')
      // An idle connection to the origin may be kept where the reply was never asked for.
      while (busy() > 0 && performance.now() - start < 3_000) await new Promise((resolve) => setTimeout(resolve, 2))
      assert.equal(busy(), 0, hooks)
    }
  })

  test('readBody: the hook sees it, and so does the origin', async (t) => {
    const { port, requests } = await hooked(
      t,
      `{ async request(exchange) {
          const body = await readBody(exchange, 1000)
          exchange.headers.set('x-length', String(body.length))
          exchange.headers.set('x-again', String((await readBody(exchange, 1000)).length))
        } }`,
    )
    assert.equal((await ask(port, post('some body'))).body, 'from the origin')
    const chunked = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n'
    assert.equal((await ask(port, chunked)).body, 'from the origin')
    assert.equal((await ask(port, get())).body, 'from the origin')
    assert.deepEqual(
      requests.map((request) => [request.body, request.field('x-length'), request.field('x-again')]),
      [
        ['some body', '9', '9'],
        ['abcde', '5', '5'],
        ['', '0', '0'],
      ],
    )
    const waiting = await connectRaw(port)
    waiting.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n')
    assert.equal((await waiting.reply()).status, 100)
    waiting.send('late')
    assert.equal((await waiting.reply()).body, 'from the origin')
    assert.equal(requests[3]!.body, 'late')
    waiting.end()
    assert.equal((await ask(port, post('x'.repeat(1001)))).status, 413)
    const long = `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n${'x'.repeat(1024)}\r\n`
    assert.equal((await ask(port, long)).status, 413)
    assert.equal(requests.length, 4)
  })

  test('transformBody: a reply through a Web stream, with back-pressure', async (t) => {
    const large = 'abcdefgh'.repeat(250_000)
    const { port } = await hooked(
      t,
      `{ response(exchange) {
          const upper = new TransformStream({ transform(chunk, out) { out.enqueue(new TextEncoder().encode(new TextDecoder().decode(chunk).toUpperCase())) } })
          transformBody(exchange.response, (body) => body.pipeThrough(upper))
        } }`,
      answering(() => ok(large)),
    )
    const reply = await ask(port, get())
    assert.equal(reply.body, large.toUpperCase())
    assert.equal(reply.field('content-length'), undefined)
  })

  test('transformBody: a stream that ends early, fails, or is never read', async (t) => {
    const large = ok('abcdefgh'.repeat(250_000))
    const early = await hooked(
      t,
      "{ response: ({ response }) => transformBody(response, () => new Response('instead').body) }",
      answering(() => large),
    )
    assert.equal((await ask(early.port, get())).body, 'instead')
    const broken = await hooked(
      t,
      "{ response: ({ response }) => transformBody(response, () => { throw new Error('oh no') }) }",
      answering(() => large),
    )
    assert.equal((await ask(broken.port, get())).status, 500)
    const failing = await hooked(
      t,
      `{ response: ({ response }) => transformBody(response, (body) => body.pipeThrough(
          new TransformStream({ transform() { throw new Error('oh no') } })
        )) }`,
      answering(() => large),
    )
    const cut = await connectRaw(failing.port)
    cut.send(get())
    await cut.until(({ closed }) => closed, 'the connection to be cut')
    assert.doesNotMatch(cut.text, /\r\n0\r\n\r\n$/)
    const stuck = await hooked(
      t,
      '{ response: ({ response }) => transformBody(response, () => new ReadableStream()) }',
      answering(() => large),
    )
    const { ledger } = stuck.turnpike.services
    const client = await connectRaw(stuck.port)
    client.send(get())
    await client.until(({ text }) => text.includes('\r\n\r\n'), 'the head')
    client.reset()
    while (ledger.count('exchanges') + ledger.count('upstreamSockets') > 0)
      await new Promise((resolve) => setTimeout(resolve, 2))
  })

  test('replaceBody', async (t) => {
    const { port } = await hooked(t, "{ response: ({ response }) => response.replaceBody(Buffer.from('mine')) }")
    const reply = await ask(port, get())
    assert.equal(reply.body, 'mine')
    assert.equal(reply.field('content-length'), '4')
  })
})
