import { accessSync, constants } from 'node:fs'
import path from 'node:path'
import type { TestContext } from 'node:test'

/** Where a program is, or null. Looks in the system folders too: servers often are in one that users lack. */
export function findProgram(name: string): string | null {
  for (const folder of [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/local/sbin', '/sbin']) {
    const file = path.join(folder, name)
    try {
      accessSync(file, constants.X_OK)
      return file
    } catch {
      // Not here: look on.
    }
  }
  return null
}

/**
 * True where all of them are installed. Otherwise the test is skipped with a line that says which is
 * missing; with `CI=true` it fails, so that nothing is skipped unnoticed there.
 */
export function requireProgram(test: TestContext, ...names: string[]): boolean {
  const missing = names.filter((name) => findProgram(name) === null)
  if (missing.length === 0) return true
  const line = `not installed: ${missing.join(', ')}`
  if (process.env.CI === 'true') throw new Error(line)
  test.skip(line)
  return false
}
