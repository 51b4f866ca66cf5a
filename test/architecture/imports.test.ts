import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { importSpecifiers, withoutComments } from './read-imports.ts'
import { chokePoints, membered, rooms } from './rooms.ts'

const root = path.resolve(import.meta.dirname, '../..')
const files = globSync('src/**/*.ts', { cwd: root })
  .map((file) => file.slice('src/'.length))
  .toSorted()
const product = files.filter((file) => !file.endsWith('.test.ts'))
const sourceOf = (file: string): string => readFileSync(path.join(root, 'src', file), 'utf8')

const roomOf = (file: string): string => file.split('/')[0]!
const memberOf = (file: string): string => file.split('/')[1] ?? ''

/** Why `file` may not import `target` (both relative to `src/`), or null where it may. */
function offence(file: string, target: string): string | null {
  const from = roomOf(file)
  const to = roomOf(target)
  const rule = rooms[from]
  if (rule === undefined) return `${file}: src/${from} is no room of the import table`
  if (rooms[to] === undefined) return `${file}: imports ${target}, which is in no room of the import table`
  if (from === to && from.endsWith('.ts')) return null
  if (path.basename(file) === 'config.ts' && from !== 'config') {
    // A `config.ts` is schema alone, so that checking a config loads nothing else.
    const below = path.basename(target) === 'config.ts' && target.startsWith(`${path.dirname(file)}/`)
    return to === 'core' || below
      ? null
      : `${file}: a config.ts imports core, zod and the config.ts below it, not ${target}`
  }
  if (from === to) {
    if (!membered.includes(from) || memberOf(file) === memberOf(target)) return null
    return `${file}: imports ${target}; no ${from}/X may import another`
  }
  if (rule.mayImport.includes(to)) return null
  if (rule.configOf?.includes(to) && path.basename(target) === 'config.ts') return null
  return `${file}: imports ${target}; ${from} may import ${rule.mayImport.join(', ') || 'nothing of ours'}`
}

function* relativeImports(file: string): Generator<string> {
  for (const specifier of importSpecifiers(sourceOf(file))) {
    if (specifier.startsWith('.')) yield path.posix.join(path.posix.dirname(file), specifier)
  }
}

/** Source without imports of what `node:net` knows about addresses: pure functions, no socket. */
const withoutPureImports = (source: string): string =>
  source.replace(/^import \{(?:\s*(?:isIP|isIPv4|isIPv6|BlockList|SocketAddress),?)+\s*\} from 'node:net'$/gm, '')

describe('the import table', () => {
  test('there is something to check', () => {
    assert.ok(product.length > 10, `found ${product.length} files under src/`)
    assert.ok(product.flatMap((file) => [...relativeImports(file)]).length > 10, 'found no imports')
  })

  test('every file is in a room', () => {
    assert.deepEqual(
      files.filter((file) => rooms[roomOf(file)] === undefined),
      [],
    )
  })

  test('rooms import only what the table allows', () => {
    const offences = product.flatMap((file) =>
      [...relativeImports(file)].map((target) => offence(file, target)).filter((each) => each !== null),
    )
    assert.deepEqual(offences, [])
  })

  test('imports end in .ts, stay in src/ and name files that exist', () => {
    const known = new Set(files)
    const offences = product.flatMap((file) =>
      [...relativeImports(file)]
        .filter((target) => !known.has(target) && target !== '../package.json')
        .map((target) => `${file}: ${target}`),
    )
    assert.deepEqual(offences, [])
  })

  test('a config.ts imports zod and nothing else from outside', () => {
    const offences = product
      .filter((file) => path.basename(file) === 'config.ts' && roomOf(file) !== 'config')
      .flatMap((file) =>
        importSpecifiers(withoutPureImports(sourceOf(file)))
          .filter((specifier) => !specifier.startsWith('.') && specifier !== 'zod')
          .map((specifier) => `${file}: ${specifier}`),
      )
    assert.deepEqual(offences, [])
  })

  test('core, wire, gomod and policy do no I/O', () => {
    const offences = product
      .filter((file) => ['core', 'wire', 'gomod', 'policy'].includes(roomOf(file)))
      .flatMap((file) =>
        importSpecifiers(withoutPureImports(sourceOf(file)))
          .filter((specifier) =>
            /^node:(?:net|tls|http|https|http2|dgram|dns|fs|child_process|worker_threads|timers)/.test(specifier),
          )
          .map((specifier) => `${file}: ${specifier}`),
      )
    assert.deepEqual(offences, [])
  })

  test('the table refuses what it should', () => {
    assert.match(offence('core/a.ts', 'engine/b.ts') ?? '', /nothing of ours/)
    assert.match(offence('doors/gateway/a.ts', 'doors/forward/b.ts') ?? '', /another/)
    assert.match(offence('doors/gateway/config.ts', 'engine/b.ts') ?? '', /core, zod and/)
    assert.match(offence('upstream/health/config.ts', 'upstream/config.ts') ?? '', /core, zod and/)
    assert.match(offence('config/a.ts', 'doors/gateway/router.ts') ?? '', /config may import/)
    assert.match(offence('attic/a.ts', 'core/b.ts') ?? '', /no room/)
    assert.equal(offence('config/a.ts', 'doors/gateway/config.ts'), null)
    assert.equal(offence('upstream/config.ts', 'upstream/health/config.ts'), null)
    assert.equal(offence('doors/gateway/a.ts', 'doors/gateway/b.ts'), null)
  })

  test('the reader finds every form of import, and none in a comment', () => {
    const source = [
      "import a from './a.ts'",
      'import {',
      '  b,',
      "} from './b.ts'",
      "import type { C } from './c.ts'",
      "export { d } from './d.ts'",
      "export type * from './e.ts'",
      "import './f.ts'",
      "const g = await import('./g.ts')",
      "// import h from './h.ts'",
      "/** import i from './i.ts' */",
      "const glob = '/a/**' // see './j.ts'",
    ].join('\n')
    assert.deepEqual(
      importSpecifiers(source),
      ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `./${name}.ts`),
    )
  })
})

describe('habits of the source tree', () => {
  test('a file over 400 lines says why in its first comment', () => {
    const offences = files.filter((file) => {
      const source = sourceOf(file)
      return (
        source.trimEnd().split('\n').length > 400 &&
        !/^(?:\/\*|\/\/)[^]{0,400}?\b(?:lines|long|length|one file)\b/.test(source)
      )
    })
    assert.deepEqual(offences, [])
  })

  test('no utils, no helpers, no common', () => {
    assert.deepEqual(
      files.filter((file) => /(?:^|\/)(?:utils?|helpers?|common|misc)(?:\.ts|\/)/.test(file)),
      [],
    )
  })

  for (const { what, pattern, allowed } of chokePoints) {
    test(`no file outside its choke point ${what}`, () => {
      const offences = product.filter(
        (file) => !allowed.includes(file) && pattern.test(withoutComments(sourceOf(file))),
      )
      assert.deepEqual(offences, [])
    })
  }

  test('the choke-point patterns catch what they should', () => {
    const [sockets, timers, datagrams] = chokePoints
    for (const line of [
      'net.connect(80)',
      'tls.connect({})',
      'await fetch(url)',
      'http.request(x)',
      'new net.Socket()',
    ]) {
      assert.match(line, sockets!.pattern)
    }
    for (const line of ['this.fetch(x)', 'net.createServer()', 'prefetch(x)', 'this.http.request(x)'])
      assert.doesNotMatch(line, sockets!.pattern)
    for (const line of ['setTimeout(f, 1)', "import { setTimeout } from 'node:timers/promises'"])
      assert.match(line, timers!.pattern)
    assert.doesNotMatch('socket.setTimeout(5)', timers!.pattern)
    assert.match("import { createSocket } from 'node:dgram'", datagrams!.pattern)
  })
})

describe('the package', () => {
  const manifest: Record<string, Record<string, string>> = JSON.parse(
    readFileSync(path.join(root, 'package.json'), 'utf8'),
  )

  test('every dependency is pinned exactly', () => {
    const loose = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies']
      .flatMap((kind) => Object.entries(manifest[kind] ?? {}))
      .filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))
    assert.deepEqual(loose, [])
  })

  test('the lockfile names no registry host', () => {
    const lock: { packages: Record<string, { resolved?: string }> } = JSON.parse(
      readFileSync(path.join(root, 'package-lock.json'), 'utf8'),
    )
    const entries = Object.entries(lock.packages)
    assert.ok(entries.length > 10)
    assert.deepEqual(
      entries.filter(([, entry]) => entry.resolved !== undefined).map(([name]) => name),
      [],
    )
  })
})
