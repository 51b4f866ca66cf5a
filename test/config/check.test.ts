import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { check } from '../../src/cli/check.ts'
import { requireProgram } from '../support/peers/require-program.ts'

const examples = join(import.meta.dirname, '../../examples')
const folder = mkdtempSync(join(tmpdir(), 'turnpike-check-'))
after(() => rmSync(folder, { recursive: true, force: true }))

async function run(args: string[], cwd = folder): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const stdout = { write: (text: string) => (out += text) }
  const stderr = { write: (text: string) => (err += text) }
  const code = await check(args, { stdout, stderr, cwd, env: {} })
  return { code, out, err }
}

test('a config that can be run: 0, and what is in it', async () => {
  const { code, out, err } = await run([], join(examples, 'gateway-minimal'))
  assert.equal(out, 'turnpike.yaml is fine: 1 listener, 1 route, 1 upstream.\n')
  assert.deepEqual([code, err], [0, ''])
})

test('W1 a config that cannot be run: 1, and every error with file, line and column', async () => {
  writeFileSync(join(folder, 'bad.yaml'), 'listeners:\n  web: { adress: ":8080" }\n')
  const { code, out, err } = await run(['--config', 'bad.yaml'])
  assert.equal(code, 1)
  assert.deepEqual(out.trimEnd().split('\n'), [
    'bad.yaml:2:3: listeners.web.address is missing [ERR_CONFIG_INVALID]',
    'bad.yaml:2:3: listeners.web.door is missing [ERR_CONFIG_INVALID]',
    'bad.yaml:2:10: listeners.web.adress is not a known key (did you mean "address"?) [ERR_CONFIG_UNKNOWN_KEY]',
  ])
  assert.equal(err, 'bad.yaml cannot be run: 3 errors.\n')
})

test('certificates and keys are held against each other', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  cpSync(join(examples, 'gateway-core'), join(folder, 'core'), { recursive: true })
  const core = join(folder, 'core')
  execFileSync(join(core, 'certificates.sh'))
  assert.equal((await run(['-c', 'turnpike.yaml'], core)).code, 0)
  cpSync(join(core, 'certs/admin-key.pem'), join(core, 'certs/api-key.pem'))
  const { code, out } = await run([], core)
  assert.equal(code, 1)
  assert.equal(
    out,
    'turnpike.yaml:10:39: listeners.secure.tls.certificates[0].key: it does not belong to the certificate certs/api.pem [ERR_CONFIG_FILE]\n',
  )
})

test('warnings are printed and fail nothing', async () => {
  const spare = '    spare: { endpoints: ["http://127.0.0.1:9001"] }\n'
  const minimal = execFileSync('cat', [join(examples, 'gateway-minimal/turnpike.yaml')], { encoding: 'utf8' })
  writeFileSync(join(folder, 'spare.yaml'), minimal + spare)
  const { code, out } = await run(['--config', 'spare.yaml'])
  assert.equal(code, 0)
  assert.match(
    out,
    /^spare\.yaml:9:5: .*no route and no stream leads to this upstream \[ERR_CONFIG_LINT\]\nspare\.yaml is fine: .*; 1 warning\.\n$/,
  )
})

test('routes that are never reached are found by the router that serves', async () => {
  writeFileSync(
    join(folder, 'shadowed.yaml'),
    `listeners: { web: { address: ":8080", door: gateway } }
gateway:
  routes:
    - { name: first, match: { path: /a, methods: [GET, PUT] }, to: app }
    - { name: second, match: { methods: [PUT, GET], path: /a }, to: app }
    - { name: third, match: { path: /b/c }, to: app }
    - { name: fourth, match: { path: /b/** }, priority: 1, to: app }
  upstreams:
    app: { endpoints: ["http://127.0.0.1:9000"] }
`,
  )
  const { code, out } = await run(['--config', 'shadowed.yaml'])
  assert.equal(code, 0)
  assert.deepEqual(out.split('\n').slice(0, 2), [
    'shadowed.yaml:5:7: gateway.routes[1]: the route "second" is never reached: "first" matches whatever it does, and wins [ERR_CONFIG_LINT]',
    'shadowed.yaml:6:7: gateway.routes[2]: the route "third" is never reached: "fourth" matches whatever it does, and wins [ERR_CONFIG_LINT]',
  ])
})

test('a config is found by its usual name, a TypeScript module too', async () => {
  const here = mkdtempSync(join(folder, 'module-'))
  const original = join(import.meta.dirname, 'good/turnpike.config.ts')
  writeFileSync(join(here, 'turnpike.config.ts'), `export { default } from ${JSON.stringify(original)}\n`)
  assert.match((await run([], here)).out, /^turnpike\.config\.ts is fine: 1 listener/)
})

test('a byte order mark is taken, and endless nesting refused', async () => {
  const minimal =
    '{"listeners":{"web":{"address":":8080","door":"gateway"}},"gateway":{"routes":[{"name":"hi","respond":{}}]}}'
  writeFileSync(join(folder, 'bom.json'), `\uFEFF${minimal}`)
  assert.equal((await run(['--config', 'bom.json'])).code, 0)
  writeFileSync(join(folder, 'deep.json'), `{"forward":${'['.repeat(20_000)}${']'.repeat(20_000)}}`)
  assert.match((await run(['--config', 'deep.json'])).out, /forward: expected a mapping/)
  writeFileSync(join(folder, 'deep.yaml'), '['.repeat(20_000))
  assert.match((await run(['--config', 'deep.yaml'])).out, /^deep\.yaml:1:\d+: .* \[ERR_CONFIG_SYNTAX\]\n$/)
})

test('files that are not there or not configs: 1', async () => {
  assert.match(
    (await run(['--config', 'absent.yaml'])).out,
    /^absent\.yaml:1:1: there is no such file \[ERR_CONFIG_FILE\]\n$/,
  )
  writeFileSync(join(folder, 'config.toml'), '')
  assert.match(
    (await run(['--config', 'config.toml'])).out,
    /^config\.toml:1:1: a config ends in .* \[ERR_CONFIG_FILE\]\n$/,
  )
  const nothing = await run([], mkdtempSync(join(folder, 'empty-')))
  assert.equal(nothing.code, 1)
  assert.match(nothing.err, /turnpike\.yaml.*--config FILE/)
})

test('wrong usage: 2; help: 0', async () => {
  for (const args of [['--confg', 'x'], ['x.yaml'], ['--config']]) {
    const { code, out, err } = await run(args)
    assert.equal(code, 2, args.join(' '))
    assert.equal(out, '')
    assert.match(err, /Usage: turnpike check/)
  }
  const help = await run(['--help'])
  assert.equal(help.code, 0)
  assert.match(help.out, /^Usage: turnpike check/)
})
