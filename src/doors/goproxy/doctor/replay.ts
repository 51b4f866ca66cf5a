import { TurnpikeError } from '../../../core/error.ts'
import { escapePath } from '../../../gomod/module-path.ts'
import { withoutCredentials, type ProxyListMember } from '../../../gomod/proxy-list.ts'
import { isPseudoVersion } from '../../../gomod/pseudo-version.ts'
import { escapeVersion, isCanonical, parseVersion, sortVersions } from '../../../gomod/version.ts'
import type { ModuleInfo } from '../origin/module-origin.ts'
import type { Replay, ReplayStep } from './chain-report.ts'
import type { MemberAnswer } from './member-request.ts'

/** What a replay asks. */
export interface ReplayParts {
  members: readonly ProxyListMember[]
  /** Whether GONOPROXY covers the module: then no proxy hears its name. */
  isPrivate: boolean
  /** Name of the checksum database, null where the chain is not asked for it. */
  sumdb: string | null
  now: () => number
  /** Asks a proxy of the chain. Rejects with a TurnpikeError. */
  ask: (member: ProxyListMember, path: string, maxBytes: number) => Promise<MemberAnswer>
  /** What git says a version or query is. Rejects with a TurnpikeError, of status 404 or 410 where there is none. */
  direct: (module: string, query: string) => Promise<ModuleInfo>
}

/** What one member said. */
interface Said {
  wants: string
  outcome: ReplayStep['outcome']
  said: string
  body: string
}

const MAX_LIST_BYTES = 8 * 1024 * 1024
const MAX_INFO_BYTES = 1024 * 1024

/**
 * Does what `go mod download MODULE@QUERY` would do about a chain, each file anew from its first member (G4;
 * cmd/go/internal/modfetch TryProxies), but for taking whole zips and for looking whether a version was retracted.
 */
export async function replay(module: string, query: string, parts: ReplayParts): Promise<Replay> {
  const steps: ReplayStep[] = []
  const run = new Run(module, parts, steps)
  const version = isCanonical(query) ? query : await run.resolve(query)
  const found = version !== null && (await run.download(version))
  return { module, query, version, steps, succeeds: found }
}

class Run {
  private readonly base: string
  private readonly parts: ReplayParts
  private readonly module: string
  private readonly steps: ReplayStep[]

  constructor(module: string, parts: ReplayParts, steps: ReplayStep[]) {
    this.base = `/${escapePath(module)}`
    this.module = module
    this.parts = parts
    this.steps = steps
  }

  /** The version that a query means. */
  async resolve(query: string): Promise<string | null> {
    const byList = query === 'latest' || parseVersion(query) !== null
    return versionIn(
      await this.walk(query, (member) => (byList ? this.byList(member, query) : this.byInfo(member, query))),
    )
  }

  async download(version: string): Promise<boolean> {
    // A query was resolved by an `.info`.
    const wanted = this.steps.length > 0 ? ['mod', 'zip'] : ['info', 'mod', 'zip']
    for (const extension of wanted) {
      // Of a zip, its beginning shows that it is there.
      const maxBytes = extension === 'zip' ? 1 : MAX_INFO_BYTES
      const path = this.versionPath(version, extension)
      const found = await this.walk(version, (member) => this.ask(member, `.${extension}`, path, maxBytes))
      if (found === null) return false
    }
    return this.parts.sumdb === null || this.lookUp(this.parts.sumdb, version)
  }

  /**
   * G24: the first that says 200 serves the database. Where none does, it is asked itself, unless one could not say and
   * direct does not follow (cmd/go/internal/modfetch sumdb.go).
   */
  private async lookUp(name: string, version: string): Promise<boolean> {
    let failed = false
    for (const member of this.parts.members) {
      if (member.url === 'off') break
      if (member.url === 'direct') return this.askDatabase(name)
      const supported = await this.ask(member, 'sumdb', `/sumdb/${name}/supported`, 1)
      if (supported.outcome === 'found') {
        this.note(member, supported, 'It serves the checksum database: all of it is asked here.')
        const path = `/sumdb/${name}/lookup${this.base}@${escapeVersion(version)}`
        const found = await this.ask(member, 'sumdb', path, MAX_INFO_BYTES)
        const has = found.outcome === 'found'
        this.note(member, found, has ? 'The version is there.' : 'Nobody else is asked: the build ends.')
        return has
      }
      failed ||= supported.outcome === 'failed'
      const goesOn = supported.outcome === 'absent' || member.next === '|'
      const consequence = goesOn ? 'It does not serve the checksum database.' : 'It could not say: the build ends.'
      this.note(member, supported, consequence)
      if (!goesOn) return false
    }
    return failed ? this.noDatabase() : this.askDatabase(name)
  }

  private askDatabase(name: string): boolean {
    this.conclude('sumdb', name, 'found', 'No proxy serves it: the database is asked itself, which was not tried.')
    return true
  }

  private noDatabase(): boolean {
    this.conclude('sumdb', '-', 'failed', 'A proxy could not say whether it serves the database: the build ends.')
    return false
  }

  private conclude(wants: string, member: string, outcome: ReplayStep['outcome'], consequence: string): void {
    this.steps.push({ wants, member, said: '', tookMs: 0, outcome, consequence })
  }

  private byInfo(member: ProxyListMember, version: string): Promise<Said> {
    return this.ask(member, '.info', this.versionPath(version, 'info'), MAX_INFO_BYTES)
  }

  /** `latest`, `v1` and `v1.2`: one member is asked for its list and what follows from it (cmd/go/internal/modload query.go). */
  private async byList(member: ProxyListMember, query: string): Promise<Said> {
    const list = await this.ask(member, 'list', `${this.base}/@v/list`, MAX_LIST_BYTES)
    if (list.outcome !== 'found') return list
    const version = newest(list.body, query)
    if (version === null && query !== 'latest') return { ...list, outcome: 'failed', said: 'no such version' }
    this.note(member, list, version === null ? 'It has no versions.' : `${version} is what it has.`)
    if (version !== null) return this.byInfo(member, version)
    return this.ask(member, '@latest', `${this.base}/@latest`, MAX_INFO_BYTES)
  }

  /** Asks the members in turn, git in place of `direct`; null where none has it, or one ends the walk. */
  private async walk(query: string, ask: (member: ProxyListMember) => Promise<Said>): Promise<string | null> {
    const { isPrivate } = this.parts
    const members: readonly ProxyListMember[] = isPrivate ? [{ url: 'direct', next: ',' }] : this.parts.members
    for (const [index, member] of members.entries()) {
      if (member.url === 'off') {
        this.conclude('-', 'off', 'failed', 'off: nothing is fetched.')
        return null
      }
      const said = await (member.url === 'direct' ? this.askDirect(query) : ask(member))
      const decision = decide(said.outcome, member, members[index + 1], isPrivate)
      this.note(member, said, decision.consequence)
      if (said.outcome === 'found') return said.body
      if (!decision.goesOn) return null
    }
    return null
  }

  private startedAt = 0

  private ask(member: ProxyListMember, wants: string, path: string, maxBytes: number): Promise<Said> {
    return this.attempt(wants, async () => {
      const { status, body } = await this.parts.ask(member, path, maxBytes)
      // G9
      const outcome = status === 200 ? 'found' : status === 404 || status === 410 ? 'absent' : 'failed'
      return { wants, outcome, said: String(status), body }
    })
  }

  private askDirect(query: string): Promise<Said> {
    return this.attempt('git', async () => {
      const info = await this.parts.direct(this.module, query)
      return { wants: 'git', outcome: 'found', said: info.version, body: info.bytes.toString() }
    })
  }

  private async attempt(wants: string, run: () => Promise<Said>): Promise<Said> {
    this.startedAt = this.parts.now()
    try {
      return await run()
    } catch (thrown) {
      const error = TurnpikeError.from(thrown, 'body')
      const absent = error.status === 404 || error.status === 410
      return { wants, outcome: absent ? 'absent' : 'failed', said: error.code, body: '' }
    }
  }

  private note({ url }: ProxyListMember, { wants, outcome, said }: Said, consequence: string): void {
    const tookMs = this.parts.now() - this.startedAt
    this.steps.push({ wants, member: withoutCredentials(url), said, tookMs, outcome, consequence })
  }

  private versionPath(version: string, extension: string): string {
    return `${this.base}/@v/${escapeVersion(version) ?? version}.${extension}`
  }
}

function decide(
  outcome: ReplayStep['outcome'],
  { url, next }: ProxyListMember,
  after: ProxyListMember | undefined,
  isPrivate: boolean,
): { goesOn: boolean; consequence: string } {
  const privately = isPrivate ? 'It is private: git alone is asked. ' : ''
  if (outcome === 'found') return { goesOn: false, consequence: `${privately}It is there.` }
  const what = outcome === 'absent' ? 'It is not there' : 'Nobody could say'
  if (after === undefined)
    return { goesOn: false, consequence: `${privately}${what}, and nobody is left to ask: the build ends.` }
  if (outcome === 'absent') return { goesOn: true, consequence: `It is not there: ${nameOf(after)} is asked next.` }
  if (next === '|') return { goesOn: true, consequence: `| lets any error pass: ${nameOf(after)} is asked next.` }
  return {
    goesOn: false,
    consequence: `The comma behind ${nameOf({ url })} lets only 404 and 410 pass: the build ends.`,
  }
}

function nameOf({ url }: { url: string }): string {
  return withoutCredentials(url)
}

/** The version in an `.info`, null where the text is none. */
function versionIn(text: string | null): string | null {
  if (text === null || !text.startsWith('{')) return null
  try {
    const info: unknown = JSON.parse(text)
    const version = typeof info === 'object' && info !== null && 'Version' in info ? info.Version : null
    return typeof version === 'string' && isCanonical(version) ? version : null
  } catch {
    return null
  }
}

/** The highest release of a list that `v1` or `v1.2` is the beginning of, else its highest prerelease. */
function newest(list: string, query: string): string | null {
  const prefix = query === 'latest' ? '' : `${query}.`
  const versions = list
    .split('\n')
    .map((line) => line.trim().split(/\s+/, 1)[0]!)
    .filter((version) => isCanonical(version) && !isPseudoVersion(version) && version.startsWith(prefix))
  const sorted = sortVersions(versions)
  return sorted.findLast((version) => parseVersion(version)!.prerelease === '') ?? sorted.at(-1) ?? null
}
