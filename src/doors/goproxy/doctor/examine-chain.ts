import type { HttpClient } from '../../../engine/client/http-client.ts'
import type { EngineServices } from '../../../engine/services.ts'
import { escapePath } from '../../../gomod/module-path.ts'
import { ModulePatterns } from '../../../gomod/module-pattern.ts'
import { parseProxyList, withoutCredentials, type ProxyList, type ProxyListMember } from '../../../gomod/proxy-list.ts'
import type { GoproxyConfig } from '../config.ts'
import { Credentials } from '../direct/credentials.ts'
import { settingsOf } from '../origin/chain.ts'
import { memberTls } from '../origin/member-tls.ts'
import type { ModuleOrigin } from '../origin/module-origin.ts'
import { Trail } from '../origin/trail.ts'
import { lintChain } from './chain-lints.ts'
import type { ChainReport, MemberMeasurement, Replay } from './chain-report.ts'
import { lintEnvironment, type GoSettings } from './environment-lints.ts'
import { lintMeasurements } from './measurement-lints.ts'
import { measureMember, unmeasured } from './member-meter.ts'
import { askMember, type AskedMember, type RequestParts } from './member-request.ts'
import { recommendedChain } from './recommended-chain.ts'
import { lintReplay } from './replay-lints.ts'
import { replay } from './replay.ts'

/** What the doctor is asked. */
export interface ChainQuestion {
  /** GOPROXY's syntax, whether right or wrong. */
  chain: string
  /** Where it was found, for people. */
  source: string
  /** All else that a chain is asked with; its own `chain` is not looked at. */
  config: GoproxyConfig
  /** The go command's settings, where it is the one that reads the chain. */
  settings: GoSettings | null
  /** What to replay; null for nothing. The path is a valid one. */
  module: { path: string; query: string } | null
  /** For each phase of each request, in ms. Null: the members' own deadlines. */
  timeoutMs: number | null
}

export interface ExamineParts {
  services: EngineServices
  http: HttpClient
  direct: ModuleOrigin
  /** Nobody waits for the report any more. */
  signal: AbortSignal
}

/** A module that proxies have, for where none was named. */
const COMMON_MODULE = 'golang.org/x/mod'

/** Lints a chain, measures its members, and replays a download through it. */
export async function examineChain(question: ChainQuestion, parts: ExamineParts): Promise<ChainReport> {
  const { chain, source, settings } = question
  const lints = lintChain(chain)
  const list = readList(chain)
  if (list === null) {
    const told = { text: hidden(chain), source, members: [], unread: [] }
    return { chain: told, measurements: [], replay: null, findings: lints, recommended: null }
  }
  const { members, unread } = list
  const asked = new Map(members.map((member) => [member, askedMember(member, question)]))
  const measurements = await measureAll(members, asked, question, parts)
  const replayed = await replayDownload(members, asked, question, parts)
  return {
    chain: { text: hidden(chain), source, members: members.map(shown), unread: unread.map(withoutCredentials) },
    measurements,
    replay: replayed,
    findings: [
      ...lints,
      ...(settings === null ? [] : lintEnvironment(settings, members)),
      ...lintMeasurements(members, measurements),
      ...(replayed === null ? [] : lintReplay(replayed, measurements)),
    ],
    recommended: recommendedChain(list, measurements),
  }
}

function readList(chain: string): ProxyList | null {
  try {
    return parseProxyList(chain)
  } catch (error) {
    // The lints have it.
    if (error instanceof RangeError) return null
    throw error
  }
}

type AskedMembers = ReadonlyMap<ProxyListMember, AskedMember | null>

/** Null for direct and off. */
function askedMember({ url }: ProxyListMember, { config, timeoutMs }: ChainQuestion): AskedMember | null {
  if (url === 'direct' || url === 'off') return null
  const { timeouts, tls } = settingsOf(config, withoutCredentials(url).replace(/\/+$/, ''))
  return {
    name: withoutCredentials(url),
    url: new URL(url),
    tls: memberTls(tls).member,
    tlsSettings: tls,
    timeouts: {
      connectMs: timeoutMs ?? timeouts.connect,
      tlsMs: timeoutMs ?? timeouts.tls,
      firstByteMs: timeoutMs ?? timeouts.firstByte,
      stallMs: timeoutMs ?? timeouts.stall,
    },
  }
}

function measureAll(
  members: readonly ProxyListMember[],
  asked: AskedMembers,
  { module, config }: ChainQuestion,
  parts: ExamineParts,
): Promise<MemberMeasurement[]> {
  // A private name is nothing to try proxies with.
  const path = module === null || isPrivate(module.path, config) ? COMMON_MODULE : module.path
  const meterParts = {
    ...requestParts(config, parts),
    services: parts.services,
    path: `/${escapePath(path)}/@v/list`,
    sumdb: sumdbByChain(config),
  }
  return Promise.all(
    members.map(async (member) => {
      const known = asked.get(member) ?? null
      return known === null ? unmeasured(member.url) : await measureMember(known, meterParts)
    }),
  )
}

async function replayDownload(
  members: readonly ProxyListMember[],
  asked: AskedMembers,
  { module, config, settings }: ChainQuestion,
  parts: ExamineParts,
): Promise<Replay | null> {
  if (module === null) return null
  const { direct, signal } = parts
  const forRequests = requestParts(config, parts)
  const notVerified = settings?.GONOSUMDB ? settings.GONOSUMDB.split(',') : config.private
  const verified = !new ModulePatterns(notVerified).matches(module.path)
  return replay(module.path, module.query, {
    members,
    isPrivate: isPrivate(module.path, config),
    sumdb: verified ? sumdbByChain(config) : null,
    now: () => forRequests.world.now(),
    ask: (member, file, maxBytes) => askMember(asked.get(member)!, file, maxBytes, forRequests),
    direct: (path, query) => {
      const ask = { signal, trail: new Trail() }
      return query === 'latest' ? direct.latest(path, ask) : direct.info(path, query, ask)
    },
  })
}

function requestParts(config: GoproxyConfig, { http, services }: ExamineParts): RequestParts {
  return { http, world: services.world, credentials: new Credentials(config) }
}

/** The database that the chain is asked for first: one with a URL of its own is asked there (cmd/go: GOSUMDB). */
function sumdbByChain({ sumdb }: GoproxyConfig): string | null {
  return sumdb === null || sumdb.url !== undefined ? null : sumdb.name
}

function isPrivate(module: string, config: GoproxyConfig): boolean {
  return new ModulePatterns(config.private).matches(module)
}

function shown({ url, next }: ProxyListMember): ProxyListMember {
  return { url: withoutCredentials(url), next }
}

/** A chain without credentials. */
function hidden(chain: string): string {
  return chain
    .split(/(?<=[,|])/)
    .map((entry) => withoutCredentials(entry.trimStart()))
    .join('')
}
