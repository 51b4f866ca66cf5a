import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { check } from '../../src/cli/check.ts'
import { ejectionMs, killMs } from '../../src/config/probe-arithmetic.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/config.ts'
import { realWorld } from '../../src/engine/real-world.ts'
import { describeHealth } from '../../src/upstream/health/describe-health.ts'
import { EndpointHealth } from '../../src/upstream/health/endpoint-health.ts'
import { healthSchema } from '../../src/upstream/health/config.ts'
import { parse } from 'yaml'

const pages = ['guide/health.md', 'recipes/kubernetes-and-systemd.md']
const textOf = (page: string) => readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8')

/** The fenced blocks of a language. */
const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, block]) => block!)

/** A folder with the page's config, and what it names. */
function folderOf(t: TestContext, config: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-health-guide-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const each of ['config', 'secrets']) mkdirSync(join(folder, each))
  writeFileSync(join(folder, 'secrets/admin-token'), 'a token that is long enough\n')
  writeFileSync(join(folder, 'config/turnpike.yaml'), config)
  return join(folder, 'config')
}

async function checked(folder: string): Promise<string> {
  let printed = ''
  const out = { write: (text: string) => (printed += text) }
  await check([], { stdout: out, stderr: out, cwd: folder, env: {} })
  return printed
}

for (const page of pages) {
  test(`check prints what ${page} shows`, async (t) => {
    const text = textOf(page)
    const [config] = blocks(text, 'yaml')
    const shown = blocks(text, 'console')
    assert.ok(shown.length > 0)
    for (const block of shown) {
      const [command, ...output] = block.split('\n')
      // What stands behind the command is the one thing that is otherwise.
      const change = /# (\w+): (\w+)$/.exec(command!)
      const changed = change === null ? config! : config!.replace(new RegExp(`${change[1]}: \\w+`), `${change[1]}: ${change[2]}`)
      assert.equal(await checked(folderOf(t, changed)), output.join('\n'))
    }
  })

  test(`the arithmetic of ${page} is that of its config`, async (t) => {
    const text = textOf(page)
    const { config } = await loadConfig('turnpike.yaml', { cwd: folderOf(t, blocks(text, 'yaml')[0]!), env: {} })
    const sums = sumsOf(config)
    const shown = [...text.matchAll(/((?:\d+ s|\d+ × \d+ s)(?: \+ (?:\d+ s|\d+ × \d+ s))*) = \**(\d+) s/g)]
    assert.ok(shown.length > 0)
    for (const [, terms, result] of shown) {
      const sum = terms!
        .split(' + ')
        .map((term) => [...term.matchAll(/\d+/g)].reduce((product, [digits]) => product * Number(digits), 1))
        .reduce((left, right) => left + right)
      assert.equal(sum, Number(result), terms!)
      assert.ok(sums.has(sum), `${sum} s is nothing of the config`)
    }
    assert.match(text, new RegExp(`\\b${ejectionMs(activeOf(config)) / 1000} s\\b`))
  })
}

test('the grace periods of the recipe hold its stop', async (t) => {
  const text = textOf(pages[1]!)
  const { config } = await loadConfig('turnpike.yaml', { cwd: folderOf(t, blocks(text, 'yaml')[0]!), env: {} })
  const { wait, drain } = config.shutdown
  const seconds = (wait + drain) / 1000 + 5
  const deployment = parse(blocks(text, 'yaml')[1]!)
  const { spec } = deployment.spec.template
  assert.equal(spec.terminationGracePeriodSeconds, seconds)
  assert.match(blocks(text, 'ini')[0]!, new RegExp(`^TimeoutStopSec=${seconds}$`, 'm'))
  const { periodSeconds, timeoutSeconds, failureThreshold } = spec.containers[0].livenessProbe
  const { period, timeout, failures } = config.liveness!
  assert.deepEqual([periodSeconds * 1000, timeoutSeconds * 1000, failureThreshold], [period, timeout, failures])
})

test('the probes that the guide shows are taken by the schema', () => {
  const lines = blocks(textOf(pages[0]!), 'yaml')[1]!.trimEnd().split('\n')
  assert.equal(lines.length, 3)
  for (const line of lines) assert.ok(healthSchema.safeParse(parse(line)).success, line)
})

function activeOf({ gateway }: Config) {
  return gateway!.upstreams['users']!.health!.active!
}

/** Seconds that the pages may come to. */
function sumsOf(config: Config): Set<number> {
  const { soonest, latest } = killMs(config.liveness!)
  const slower = { ...activeOf(config), interval: 10_000 }
  const { wait, drain } = config.shutdown
  const all = [ejectionMs(activeOf(config)), ejectionMs(slower), soonest, latest, wait + drain + 5_000]
  return new Set(all.map((ms) => ms / 1000))
}

test('the guide shows what /api/upstreams has of an endpoint', () => {
  const health = new EndpointHealth('users', 'http://127.0.0.1:9001', { world: realWorld(), notify() {} })
  health.verdict(false, 'ERR_FIRST_BYTE_TIMEOUT')
  const described = JSON.parse(JSON.stringify(describeHealth(health, realWorld())))
  const shown = JSON.parse(blocks(textOf(pages[0]!), 'json')[0]!)
  assert.deepEqual(Object.keys(shown), Object.keys(described))
  assert.deepEqual(Object.keys(shown.history[0]), Object.keys(described.history[0]))
})
