import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { dirname, join, normalize } from 'node:path'
import type { TestContext } from 'node:test'
import { goModH1 } from '../../../src/gomod/hash1.ts'
import { unescapePath } from '../../../src/gomod/module-path.ts'
import { unescapeVersion } from '../../../src/gomod/version.ts'
import { portOf } from '../peers/free-port.ts'
import { findProgram } from '../peers/require-program.ts'
import type { SummedVersion } from './sumdb-server.ts'

/** Modules that the world has, by what is special about each. */
export const realModules = {
  'capitals in its path': 'github.com/BurntSushi/toml@v1.4.0',
  'no go.mod': 'github.com/pkg/errors@v0.8.0',
  'gopkg.in': 'gopkg.in/yaml.v2@v2.4.0',
  'gopkg.in, another major version': 'gopkg.in/yaml.v3@v3.0.1',
  'a module in a folder of another': 'cloud.google.com/go/compute/metadata@v0.3.0',
  'a major version in its path': 'github.com/cenkalti/backoff/v4@v4.3.0',
  retracted: 'github.com/klauspost/compress@v1.14.2',
  '+incompatible': 'github.com/dgrijalva/jwt-go@v3.2.0+incompatible',
  'very large': 'github.com/aws/aws-sdk-go@v1.44.300',
  'a toolchain': 'golang.org/toolchain@v0.0.1-go1.25.3.linux-amd64',
} as const

/** A program that uses some of them, as its authors have it. */
export const project = {
  'go.mod': 'module example.com/project\n\ngo 1.21\n\nrequire github.com/BurntSushi/toml v1.3.0\n',
  'main.go': `package main

import (
	"fmt"

	"github.com/BurntSushi/toml"
	"github.com/cenkalti/backoff/v4"
	"github.com/pkg/errors"
	"gopkg.in/yaml.v3"
)

func main() {
	fmt.Println(toml.Key{}, backoff.NewExponentialBackOff(), errors.New("x"), yaml.Node{})
}
`,
}

export interface RealModules {
  /** GOPROXY of a server with everything that the tests ask for, and nothing else. */
  url: string
  /** Paths that it was asked for. */
  asked: string[]
  /** What a checksum database says of all of it. */
  sums: SummedVersion[]
}

/**
 * Serves what the go command has in this machine's module cache as a GOPROXY, after having it fetch what is not there.
 * Null where it cannot: the test has been skipped, or has failed under CI.
 */
export async function serveRealModules(t: TestContext): Promise<RealModules | null> {
  const go = findProgram('go')
  if (go === null) return unavailable(t, 'go is not installed')
  const cache = execFileSync(go, ['env', 'GOMODCACHE'], { encoding: 'utf8' }).trim()
  const fault = fill(go)
  if (fault !== null) return unavailable(t, `the go command cannot fetch modules: ${fault}`)
  const root = join(cache, 'cache/download')
  const asked: string[] = []
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://upstream').pathname)
    asked.push(path)
    const file = join(root, normalize(path))
    if (path.endsWith('/@v/list') && existsSync(dirname(file))) {
      response.end(wholeVersions(dirname(file)))
      return
    }
    if (!path.includes('/@v/') || !existsSync(file)) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('not in this cache\n')
      return
    }
    const bytes = readFileSync(file)
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { sums: sumsBelow(root), url: `http://127.0.0.1:${portOf(server)}`, asked }
}

function sumsBelow(root: string): SummedVersion[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).flatMap((path) => {
    const [, module, version] = /^(.*)\/@v\/(.*)\.ziphash$/.exec(path) ?? []
    if (module === undefined || version === undefined) return []
    const file = join(root, module, '@v', version)
    if (!isWhole(file)) return []
    return [
      {
        module: unescapePath(module)!,
        version: unescapeVersion(version)!,
        h1: readFileSync(`${file}.ziphash`, 'utf8').trim(),
        modH1: goModH1(readFileSync(`${file}.mod`)),
      },
    ]
  })
}

/** The versions of a folder that everything is there of: of others the cache has the go.mod alone. */
function wholeVersions(folder: string): string {
  const versions = readdirSync(folder).flatMap((name) => (name.endsWith('.zip') ? [name.slice(0, -'.zip'.length)] : []))
  return versions.map((version) => (isWhole(join(folder, version)) ? `${version}\n` : '')).join('')
}

/** Whether the go command left all of a version there. */
function isWhole(file: string): boolean {
  return ['info', 'mod', 'zip', 'ziphash'].every((kind) => existsSync(`${file}.${kind}`))
}

/** Has the go command fetch what is missing, by its own settings. */
function fill(go: string): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-fill-'))
  try {
    const run = (...args: string[]) =>
      execFileSync(go, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], timeout: 300_000 })
    run('mod', 'download', ...Object.values(realModules))
    for (const [name, text] of Object.entries(project)) writeFileSync(join(folder, name), text)
    run('mod', 'tidy')
    run('mod', 'download', 'all')
    // What an upgrade leads to must be there too: of each module the newest that this cache has.
    run(
      'get',
      'github.com/BurntSushi/toml@v1.4.0',
      'github.com/cenkalti/backoff/v4@v4.3.0',
      'github.com/pkg/errors@v0.8.0',
      'gopkg.in/yaml.v3@v3.0.1',
    )
    run('mod', 'tidy')
    run('mod', 'download', 'all')
    return null
  } catch (error) {
    return error instanceof Error ? error.message.slice(0, 600) : String(error)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function unavailable(t: TestContext, why: string): null {
  if (process.env.CI === 'true') throw new Error(why)
  t.skip(why)
  return null
}
