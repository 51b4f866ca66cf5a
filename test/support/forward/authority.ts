import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Authority } from '../../../src/certs/authority.ts'
import { createAuthority, type AuthorityOptions } from '../../../src/certs/create-authority.ts'
import { certificateFile, openAuthority } from '../../../src/certs/open-authority.ts'

/** An authority in a folder that goes with the test: for Turnpike to sign with, and for clients to trust. */
export interface TestAuthority {
  folder: string
  /** PEM file of its certificate. */
  file: string
  authority: Authority
}

export async function testAuthority(t: TestContext, options: AuthorityOptions = {}): Promise<TestAuthority> {
  const above = mkdtempSync(join(tmpdir(), 'turnpike-authority-'))
  t.after(() => rmSync(above, { recursive: true, force: true }))
  const folder = join(above, 'ca')
  await createAuthority(folder, options)
  return { folder, file: join(folder, certificateFile), authority: await openAuthority(folder) }
}
