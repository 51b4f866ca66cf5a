import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { explain } from '../../src/cli/explain.ts'
import { loadConfig } from '../../src/config/load.ts'
import { decide, type Decision } from '../../src/decision.ts'
import { normalisePath } from '../../src/policy/normalise-path.ts'
import { PathMatcher } from '../../src/doors/gateway/path-matcher.ts'
import { testCertificate } from '../support/certificates.ts'

const guide = await readFile(new URL('../../docs/guide/routing.md', import.meta.url), 'utf8')
let folder = ''

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'turnpike-routing-'))
  await mkdir(join(folder, 'certs'))
  const { cert, key } = testCertificate({ subject: 'api.example.com', names: ['DNS:api.example.com'] })
  await writeFile(join(folder, 'certs/api.pem'), cert)
  await writeFile(join(folder, 'certs/api-key.pem'), key)
  await writeFile(join(folder, 'turnpike.yaml'), blocks('yaml')[0]!)
})

after(() => rm(folder, { recursive: true, force: true }))

/** The fenced blocks of a language. */
function blocks(language: string): string[] {
  return [...guide.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, text]) => text!)
}

/** The rows of the table whose first column has that head, without the backticks around code. */
function table(head: string): string[][] {
  const lines = guide.slice(guide.search(new RegExp(`^\\| ${head} +\\|`, 'm'))).split('\n')
  const rows = lines.slice(2, lines.indexOf(''))
  assert.ok(rows.length > 5, head)
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

const code = (cell: string) => [...cell.matchAll(/`([^`]*)`/g)].map(([, text]) => text!)

/** Words of a command line, single quotes taken off. */
const words = (line: string) => [...line.matchAll(/'([^']*)'|\S+/g)].map(([whole, quoted]) => quoted ?? whole)

async function ask(args: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const io = { stdout: '', stderr: '' }
  const exitCode = await explain(args, {
    stdout: { write: (text) => (io.stdout += text) },
    stderr: { write: (text) => (io.stderr += text) },
    cwd: folder,
    env: {},
  })
  return { exitCode, ...io }
}

test('each request of the guide is served by the route that it says', async () => {
  const named = new Set<string>()
  for (const [request, served] of table('request')) {
    const { exitCode, stdout, stderr } = await ask(['--json', ...words(code(request!)[0]!)])
    assert.equal(stderr, '')
    const decision: Decision = JSON.parse(stdout)
    const [name] = code(served!)
    if (name !== undefined) named.add(name)
    assert.equal(decision.route?.name ?? String(decision.error?.status), name ?? served!, request!)
    assert.equal(exitCode, name === undefined ? 1 : 0)
  }
  const { config } = await loadConfig('turnpike.yaml', { cwd: folder, env: {} })
  assert.deepEqual(
    [...named].toSorted(),
    config.gateway!.routes.map(({ name }) => name).toSorted(),
    'each route wins once',
  )
})

test('each pattern of the guide matches what it says', () => {
  for (const [pattern, matching, not] of table('pattern')) {
    const matcher = new PathMatcher(code(pattern!)[0])
    for (const path of code(matching!)) assert.ok(matcher.matches(normalisePath(path).matchPath), `${pattern} ${path}`)
    for (const path of code(not!)) assert.ok(!matcher.matches(normalisePath(path).matchPath), `${pattern} ${path}`)
  }
})

test('H24 each path of the guide is normalised as it says', () => {
  for (const [received, forwarded, matched] of table('received')) {
    const target = code(received!)[0]!
    if (forwarded === 'refused') assert.throws(() => normalisePath(target), { code: 'ERR_PATH' }, target)
    else {
      const { path, matchPath } = normalisePath(target)
      assert.deepEqual([path, matchPath], [code(forwarded!)[0], code(matched!)[0]], target)
    }
  }
})

test('explain prints what the guide shows', async () => {
  const shown = blocks('console')
  assert.ok(shown.length > 1)
  for (const block of shown) {
    const [command, ...output] = block.split('\n')
    const { exitCode, stdout } = await ask(words(command!.replace('$ turnpike explain ', '')))
    assert.equal(stdout, output.join('\n'))
    assert.equal(exitCode, 0)
  }
})

test('explain: the reply where no route serves, and its exit code', async () => {
  const refused = await ask(['GET', '/a/..;/b'])
  assert.equal(refused.exitCode, 1)
  assert.match(refused.stdout, /^reply +400 ERR_PATH: .*hides a dot segment/m)
  const connect = await ask(['CONNECT', '/'])
  assert.equal(connect.exitCode, 1)
  assert.match(connect.stdout, /^reply +405 ERR_CONNECT_NOT_ALLOWED/m)
  await writeFile(join(folder, 'broken.yaml'), 'listeners: {}\n')
  const broken = await ask(['-c', 'broken.yaml', 'GET', '/'])
  assert.equal(broken.exitCode, 1)
  assert.match(broken.stderr, /^broken\.yaml:1:/)
  assert.equal((await ask(['-c', 'absent.yaml', 'GET', '/'])).exitCode, 1)
})

test('explain: 405 with the methods that would be served', async () => {
  await writeFile(
    join(folder, 'methods.yaml'),
    `listeners: { web: { address: "127.0.0.1:8080", door: gateway } }
gateway: { routes: [{ name: read, match: { path: /a, methods: [GET] }, respond: {} }] }
`,
  )
  const { exitCode, stdout } = await ask(['-c', 'methods.yaml', 'PUT', '/a'])
  assert.equal(exitCode, 1)
  assert.match(stdout, /^reply +405 ERR_METHOD_NOT_ALLOWED/m)
  assert.match(stdout, /^allow +GET, HEAD$/m)
  assert.match(stdout, /read: method PUT not in \[GET, HEAD\]$/m)
})

test('explain: wrong usage', async () => {
  const wrong = [
    [],
    ['GET'],
    ['GET', '/', '/'],
    ['GET', 'example.com/'],
    ['GET', 'ftp://example.com/'],
    ['GET', '/', '--nonsense'],
    ['GET', '/', '-H', 'no colon'],
    ['GET', '/', '--listener', 'absent'],
  ]
  for (const args of wrong) {
    const { exitCode, stdout, stderr } = await ask(args)
    assert.equal(exitCode, 2, args.join(' '))
    assert.equal(stdout, '')
    assert.match(stderr, /Usage: turnpike explain/)
  }
  const help = await ask(['--help'])
  assert.equal(help.exitCode, 0)
  assert.match(help.stdout, /^Usage: turnpike explain/)
})

test('the listener of a question: named, by port and scheme, by scheme, the first', async () => {
  const { config } = await loadConfig('turnpike.yaml', { cwd: folder, env: {} })
  const chosen = (url: string, listener?: string) =>
    decide(config, { method: 'GET', url, ...(listener !== undefined && { listener }) }).listener.name
  assert.equal(chosen('/'), 'web')
  assert.equal(chosen('/', 'secure'), 'secure')
  assert.equal(chosen('https://a/'), 'secure')
  assert.equal(chosen('https://a:8443/'), 'secure')
  assert.equal(chosen('http://a:1/'), 'web')
})

test('a question is a request as a client sends it', async () => {
  const { config } = await loadConfig('turnpike.yaml', { cwd: folder, env: {} })
  const { request } = decide(config, { method: 'GET', url: 'http://API.Example.com:80/caf\u00e9/../x?q=\u00e9#top' })
  assert.deepEqual(request, { method: 'GET', host: 'api.example.com', path: '/x', query: '?q=%C3%A9', matchPath: '/x' })
  assert.equal(decide(config, { method: 'GET', url: 'http://a?x' }).request.path, '/')
  const host = decide(config, { method: 'GET', url: 'http://a/', headers: [['Host', 'shop.example.com']] })
  assert.equal(host.route?.name, 'tenants')
})
