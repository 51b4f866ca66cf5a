import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Builds a Go program of the tests with the golang.org/x/mod that the go command itself has in its sources: nothing is
 * downloaded. Gives the path of the program, which is gone with the test.
 */
export async function buildGoProgram(t: TestContext, sources: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-go-program-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const env = { ...process.env, GOPROXY: 'off', GOTOOLCHAIN: 'local', GOFLAGS: '-mod=mod', GOWORK: 'off', GOENV: 'off' }
  const { stdout: root } = await run('go', ['env', 'GOROOT'], { env })
  const library = join(folder, 'library')
  await cp(join(root.trim(), 'src/cmd/vendor/golang.org/x/mod'), library, { recursive: true })
  await writeFile(join(library, 'go.mod'), 'module golang.org/x/mod\n\ngo 1.24\n')
  const program = join(folder, 'program')
  await mkdir(program)
  for (const name of await readdir(sources)) {
    if (name.endsWith('.go')) await cp(join(sources, name), join(program, name))
  }
  const goMod =
    'module program\n\ngo 1.24\n\nrequire golang.org/x/mod v0.0.0\n\nreplace golang.org/x/mod => ../library\n'
  await writeFile(join(program, 'go.mod'), goMod)
  const built = join(folder, 'built')
  await run('go', ['build', '-o', built, '.'], { cwd: program, env })
  return built
}
