import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import * as library from '../../src/index.ts'
import { Turnpike } from '../../src/turnpike.ts'
import { assertLedgerBaseline } from '../support/gateway.ts'
import type { Message } from '../support/message.ts'
import { answering, ok, startOrigin, type Origin } from '../support/origin.ts'
import { ask, post } from '../support/raw-client.ts'

const guide = readFileSync(new URL('../../docs/guide/write-a-middleware.md', import.meta.url), 'utf8')
const example = new URL('../../examples/middleware-tenant', import.meta.url).pathname

const blocks = (language: string): string[] =>
  [...guide.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, text]) => text!)

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-guide-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Serves the config of a folder on free ports, in front of an origin. */
async function serve(t: TestContext, folder: string): Promise<{ port: number; origin: Origin }> {
  const origin = await startOrigin(
    t,
    answering(() => ok('served')),
  )
  const file = join(folder, 'turnpike.yaml')
  const text = readFileSync(file, 'utf8').replace('127.0.0.1:8080', '127.0.0.1:0').replace('http://127.0.0.1:9001', origin.url)
  writeFileSync(file, `${text}\nadmin: off\nlog: { access: off }\n`)
  const turnpike = await Turnpike.start(await loadConfig('turnpike.yaml', { cwd: folder, env: {} }))
  t.after(async () => {
    await turnpike.stop(0)
    await assertLedgerBaseline(turnpike)
  })
  const bound = turnpike.addresses.get('web')!
  return { port: bound.kind === 'tcp' ? bound.port : 0, origin }
}

const from = (host: string, fields = ''): string => `GET / HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`

describe('the guide to writing a middleware', () => {
  test('its example does what it says', async (t) => {
    const folder = folderOf(t)
    writeFileSync(join(folder, 'turnpike.yaml'), blocks('yaml')[0]!)
    writeFileSync(join(folder, 'tenant.ts'), blocks('ts')[0]!)
    const { port, origin } = await serve(t, folder)
    const [, host, said] = /Host: (\S+)'.*\n([^]*)$/.exec(blocks('console')[0]!)!
    const shown = await ask(port, from(host!))
    assert.equal(shown.status, 403)
    assert.equal(shown.body, said)
    assert.equal((await ask(port, from('nobody.example.com'))).status, 404)
    assert.equal((await ask(port, from('acme.example.com', 'X-Tenant: initech\r\n'))).body, 'served')
    assert.deepEqual(
      origin.requests.map((request) => request.field('x-tenant')),
      ['acme'],
    )
  })

  test('its example of reading a body does what it says', async (t) => {
    const folder = folderOf(t)
    writeFileSync(
      join(folder, 'turnpike.yaml'),
      blocks('yaml')[0]!.replace(/ {4}- \.\/tenant\.ts.*\n/, '    - ./signed.ts: { key: secret }\n'),
    )
    writeFileSync(join(folder, 'signed.ts'), blocks('ts')[1]!)
    const { port, origin } = await serve(t, folder)
    const signature = createHmac('sha256', 'secret').update('pay 7').digest('hex')
    const pay = (body: string): Promise<Message> => ask(port, post(body, `X-Signature: ${signature}\r\n`))
    assert.equal((await pay('pay 8')).status, 401)
    assert.equal((await pay('pay 7')).body, 'served')
    assert.equal(origin.requests[0]!.body, 'pay 7')
  })

  test('what it imports from turnpike is exported', () => {
    const names = blocks('ts').flatMap((block) => /import \{ (.*) \} from 'turnpike'/.exec(block)![1]!.split(', '))
    for (const name of ['transformBody', ...names]) assert.ok(name in library, name)
  })

  test('examples/middleware-tenant runs as it stands', async (t) => {
    const folder = folderOf(t)
    cpSync(example, folder, { recursive: true })
    const { port, origin } = await serve(t, folder)
    assert.equal((await ask(port, from('acme.example.com'))).field('x-served'), '1')
    const second = await ask(port, from('acme.example.com', 'X-Tenant: initech\r\n'))
    assert.equal(second.body, 'served')
    assert.equal(second.field('x-served'), '2')
    assert.equal(origin.requests[1]!.field('x-tenant'), 'acme')
    for (const [host, status] of [
      ['initech.example.com', 403],
      ['a.acme.example.com', 404],
      ['example.com', 404],
      ['acme.example.org', 404],
    ] as const)
      assert.equal((await ask(port, from(host))).status, status, host)
  })
})
