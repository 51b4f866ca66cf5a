import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import type { z } from 'zod'
import { TurnpikeError } from '../../../src/core/error.ts'
import type { FileText } from '../../../src/core/file-text.ts'
import { goproxySchema } from '../../../src/doors/goproxy/config.ts'
import { Direct } from '../../../src/doors/goproxy/direct/direct.ts'
import { defaultDeadlines, type GitDeadlines } from '../../../src/doors/goproxy/direct/git.ts'
import type { Ask } from '../../../src/doors/goproxy/origin/module-origin.ts'
import { Trail } from '../../../src/doors/goproxy/origin/trail.ts'
import { PooledHttpClient } from '../../../src/engine/client/pooled-http-client.ts'
import type { DialAddress } from '../../../src/engine/world.ts'
import { goZipLimits } from '../../../src/gomod/zip/zip-limits.ts'
import { checkModuleZip, type CheckedZip } from '../../../src/gomod/zip/check-zip.ts'
import { MemoryAccess } from '../../../src/gomod/zip/random-access.ts'
import { PublicAddresses } from '../../../src/policy/public-addresses.ts'
import type { GitSite } from './git-site.ts'
import { Gathered } from '../../../src/doors/goproxy/origin/gathered.ts'
import { testScope, type TestScope } from './test-scope.ts'

/** Hosts of a test, by the address that they resolve to: public ones lead to the site. */
const addresses: Readonly<Record<string, string>> = {
  'code.test': '8.0.0.1',
  'git.test': '8.0.0.2',
  'other.test': '8.0.0.3',
  'goproxy.test': '8.0.0.4',
  'gopkg.in': '8.0.0.5',
  'inner.test': '127.0.0.1',
  'meta.test': '169.254.169.254',
}

export interface TestDirect extends TestScope {
  direct: Direct
  /** Addresses that were dialled, but those of the loopback proxy. */
  dialled: string[]
  ask: () => Ask
  /** Where the clone of a remote is. */
  clone: (url: string) => string
  /** A version's zip, checked as any that comes. */
  zip: (module: string, version: string) => Promise<CheckedZip & { bytes: Buffer }>
}

/** Makes the site's authority one of this process's, for git and for Node. */
function trust(site: GitSite): void {
  const known = getCACertificates('default')
  if (!known.includes(site.authority.cert)) setDefaultCACertificates([...known, site.authority.cert])
  process.env.GIT_SSL_CAINFO = site.authority.certFile
}

const ask = (): Ask => ({ signal: AbortSignal.timeout(60_000), trail: new Trail() })

/** `direct` in a world whose every public address is the site. */
export function testDirect(
  t: TestContext,
  site: GitSite,
  config: Partial<z.input<typeof goproxySchema>> = {},
  deadlines: GitDeadlines = defaultDeadlines,
  netrc?: FileText,
): TestDirect {
  trust(site)
  const { services, scope } = testScope(t)
  const { world } = services
  const dialled: string[] = []
  const dial = world.dial.bind(world)
  world.dial = (address, events) => {
    if (address.kind === 'tcp') dialled.push(`${address.host}:${address.port}`)
    return dial(toSite(address, site), events)
  }
  world.resolve = (name, done) => {
    const address = addresses[name]
    world.soon(() =>
      address === undefined ? done(new Error(`${name} is not known`), []) : done(null, [{ address, family: 4 }]),
    )
  }
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-direct-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const checked = { ...goproxySchema.parse(config), ...(netrc !== undefined && { netrc }) }
  for (const { sshKey, knownHosts } of checked.credentials) {
    for (const file of [sshKey, knownHosts]) file?.fill(file.path, readFileSync(file.path, 'utf8'))
  }
  const direct = new Direct({
    config: checked,
    http: new PooledHttpClient(services, '', scope),
    guard: new PublicAddresses(checked.guard.allow),
    parents: null,
    services,
    scope,
    folder,
    deadlines,
  })
  return {
    services,
    scope,
    direct,
    dialled,
    ask,
    clone: (url) => join(folder, `${createHash('sha256').update(url).digest('hex')}.git`),
    async zip(module, version) {
      const into = new Gathered()
      await direct.zip(module, version, into, ask())
      const { bytes } = into
      return { ...(await checkModuleZip(new MemoryAccess(bytes), module, version, goZipLimits)), bytes }
    },
  }
}

function toSite(address: DialAddress, site: GitSite): DialAddress {
  if (address.kind === 'unix' || !address.host.startsWith('8.0.0.')) return address
  const ports: Record<number, number> = { 443: site.port, 80: site.plainPort, 22: site.sshPort }
  return { kind: 'tcp', host: '127.0.0.1', port: ports[address.port] ?? 1 }
}

/** What a promise rejects with; fails where it does not. */
export async function errorOf(work: Promise<unknown>, what = 'it'): Promise<TurnpikeError> {
  try {
    await work
  } catch (error) {
    if (error instanceof TurnpikeError) return error
    throw error
  }
  throw new Error(`${what} did not fail`)
}
