import { basicCredentials } from './core/basic-credentials.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readNetrc } from './doors/goproxy/direct/netrc.ts'
import { moduleOnDisk, type ModuleOnDisk } from './doors/goproxy/publish/module-place-on-disk.ts'
import { prepareFromFolder, prepareFromTag } from './doors/goproxy/publish/prepare-module.ts'
import { sendModule, type Sent } from './doors/goproxy/publish/send-module.ts'
import { PooledHttpClient } from './engine/client/pooled-http-client.ts'
import { createEngine } from './engine/engine.ts'
import { realWorld } from './engine/real-world.ts'
import { Scope } from './engine/scope.ts'
import { SharedStates } from './engine/shared-states.ts'
import { PublicAddresses } from './policy/public-addresses.ts'
import { CidrSet } from './core/address.ts'

/** What to publish, and where. */
export interface Publication {
  folder: string
  version: string
  /** The folder as it is, rather than the tag of the version where it is in a git work tree. */
  asIs: boolean
  /** The module proxy; null: the zip is made and nothing is sent. */
  to: URL | null
  /** Sent as a bearer token; null: none. */
  token: string | null
  /** Text of a netrc file, for a login where there is no token. */
  netrc: string
}

export interface PublishReport {
  module: string
  version: string
  h1: string
  /** Bytes of the zip. */
  size: number
  /** Null where nothing was sent. */
  sent: Sent | null
}

/** Makes the zip of a version and sends it, with an engine of its own. Rejects with a TurnpikeError or a ModuleZipError. */
export async function publishModule(publication: Publication): Promise<PublishReport> {
  const world = realWorld()
  const services = createEngine({ world, observer: { routed() {}, finished() {} }, pseudonym: 'turnpike' })
  const faults: unknown[] = []
  const onError = (error: unknown): void => void faults.push(error)
  const scope = new Scope({ world, ledger: services.ledger, states: new SharedStates(), onError })
  const scratch = await mkdtemp(join(tmpdir(), 'turnpike-publish-'))
  scope.use({ [Symbol.asyncDispose]: () => rm(scratch, { recursive: true, force: true }) })
  const http = new PooledHttpClient(services, '', scope)
  const guard = new PublicAddresses(new CidrSet([]))
  const published = prepareAndSend(publication, join(scratch, 'module.zip'), { http, guard, services, scope })
  const made = await published.finally(() => scope.close())
  if (faults.length > 0) throw new AggregateError(faults, 'Publishing did not end well.')
  return made
}

async function prepareAndSend(
  publication: Publication,
  zipFile: string,
  parts: Parameters<typeof prepareFromTag>[3],
): Promise<PublishReport> {
  const { folder, version, asIs, to } = publication
  const place = await moduleOnDisk(folder)
  const prepared =
    isInGit(place) && !asIs
      ? await prepareFromTag(place, version, zipFile, parts)
      : await prepareFromFolder(place, version, zipFile)
  const { h1, size } = prepared
  const report = { module: place.module, version, h1, size }
  if (to === null) return { ...report, sent: null }
  const { http: client, scope } = parts
  return {
    ...report,
    sent: await sendModule(prepared, to, authorization(to, publication), { client, signal: scope.signal }),
  }
}

function isInGit(place: ModuleOnDisk): place is ModuleOnDisk & { repository: NonNullable<ModuleOnDisk['repository']> } {
  return place.repository !== null
}

/** The token, else the login of the netrc file (cmd/go/internal/auth). */
function authorization(to: URL, { token, netrc }: Publication): string {
  if (token !== null) return `Bearer ${token}`
  const login = readNetrc(netrc).find(({ host }) => host === null || host === to.hostname)
  return login === undefined ? '' : basicCredentials({ username: login.login, password: login.password })
}
