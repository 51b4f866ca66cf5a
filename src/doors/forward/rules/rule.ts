import { isIPv4 } from '../../../core/ip.ts'
import type { ForwardRuleConfig, PortRange } from '../config.ts'
import { NamePatterns } from './name-patterns.ts'
import { TimeOfDay } from './time-of-day.ts'
import type { Asked } from './verdict.ts'

/** One thing that a rule asks; all of them must hold. */
interface Condition {
  /** The key under `match`. */
  readonly key: string
  holds(asked: Asked): boolean
  /** What is there instead, for people. */
  instead(asked: Asked): string
}

/** A rule's `match`, compiled: what rests on the ClientHello apart, since that may not have been read yet. */
export class Rule {
  /** What logs call it. */
  readonly name: string
  /** Another ClientHello could change whether it matches. */
  readonly dependsOnHello: boolean
  readonly wantsAddresses: boolean
  /** Whether it is there for a name in the ClientHello that is not the host's (T4). */
  readonly wantsMismatch: boolean
  private readonly conditions: readonly Condition[]
  private readonly ofHello: readonly Condition[]

  constructor({ name, match }: ForwardRuleConfig, index: number) {
    this.name = name ?? `rule ${index + 1}`
    this.conditions = conditionsOf(match)
    this.ofHello = helloConditionsOf(match)
    this.dependsOnHello = this.ofHello.length > 0
    this.wantsAddresses = match.address !== undefined
    this.wantsMismatch = match.sniMismatch === true
  }

  /** Whether all holds that no ClientHello can change. */
  couldMatch(asked: Asked): boolean {
    for (const condition of this.conditions) if (!condition.holds(asked)) return false
    return true
  }

  /** Whether what its ClientHello says is asked for; one that was not read counts as one without a name. */
  helloMatches(asked: Asked): boolean {
    for (const condition of this.ofHello) if (!condition.holds(asked)) return false
    return true
  }

  /** Why it does not match: the first condition that does not hold. '' where it matches. */
  reasonAgainst(asked: Asked): string {
    const failed = [...this.conditions, ...this.ofHello].find((condition) => !condition.holds(asked))
    return failed === undefined ? '' : `${failed.key}: ${failed.instead(asked)}`
  }
}

/** Whether the ClientHello names another than the host that was asked for (T4). An address has nothing to disagree with. */
export function namesDisagree({ host, sni }: Asked): boolean {
  return sni !== null && sni !== '' && sni !== host && !isAddress(host)
}

export function isAddress(host: string): boolean {
  return host.includes(':') || isIPv4(host)
}

function conditionsOf({ host, port, from, user, address, time }: ForwardRuleConfig['match']): Condition[] {
  const conditions: Condition[] = []
  if (port !== undefined)
    conditions.push({
      key: 'port',
      holds: (asked) => inRanges(asked.port, port),
      instead: (asked) => `it is ${asked.port}`,
    })
  if (host !== undefined) {
    const hosts = new NamePatterns(host)
    conditions.push({ key: 'host', holds: (asked) => hosts.has(asked.host), instead: (asked) => `it is ${asked.host}` })
  }
  if (user !== undefined) {
    const users = new Set(user)
    conditions.push({
      key: 'user',
      holds: (asked) => users.has(asked.user),
      instead: (asked) => (asked.user === '' ? 'nobody has logged in' : `it is ${asked.user}`),
    })
  }
  if (from !== undefined)
    conditions.push({
      key: 'from',
      holds: (asked) => from.has(asked.clientAddress),
      instead: (asked) => `it comes from ${asked.clientAddress}`,
    })
  if (address !== undefined)
    conditions.push({
      key: 'address',
      holds: (asked) => address.has(asked.host) || asked.addresses.some((each) => address.has(each)),
      instead: ({ addresses }) => (addresses.length === 0 ? 'it has none' : `it has ${addresses.join(', ')}`),
    })
  if (time !== undefined) {
    const span = new TimeOfDay(time)
    conditions.push({ key: 'time', holds: (asked) => span.has(asked.wallMs), instead: () => 'it is another time' })
  }
  return conditions
}

function helloConditionsOf({ sni, sniMismatch }: ForwardRuleConfig['match']): Condition[] {
  const conditions: Condition[] = []
  if (sni !== undefined) {
    const names = new NamePatterns(sni)
    conditions.push({
      key: 'sni',
      // T2: without one it is the host that was asked for.
      holds: (asked) => names.has(asked.sni === null || asked.sni === '' ? asked.host : asked.sni),
      instead: (asked) => `it is ${asked.sni === null || asked.sni === '' ? asked.host : asked.sni}`,
    })
  }
  if (sniMismatch !== undefined)
    conditions.push({
      key: 'sniMismatch',
      holds: (asked) => namesDisagree(asked) === sniMismatch,
      instead: () => (sniMismatch ? 'the names agree' : 'the names disagree'),
    })
  return conditions
}

function inRanges(port: number, ranges: readonly PortRange[]): boolean {
  for (const { from, to } of ranges) if (port >= from && port <= to) return true
  return false
}
