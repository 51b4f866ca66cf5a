import type { Config } from './config/config.ts'
import { formatAddress } from './core/address.ts'
import { TurnpikeError } from './core/error.ts'
import { errorOf, passed } from './decision-parts.ts'
import type { Decision, Question, Serves } from './decision.ts'
import { ForwardGuard } from './doors/forward/guard.ts'
import { PlainOrigins } from './doors/forward/plain/plain-origin.ts'
import { isInPorts } from './doors/forward/port-ranges.ts'
import { isAddress } from './doors/forward/rules/rule.ts'
import { RuleTable } from './doors/forward/rules/rule-table.ts'
import type { Verdict } from './doors/forward/rules/verdict.ts'
import { Parents } from './engine/dial/parents.ts'
import { parseConnectTarget } from './engine/proxy/connect-target.ts'

type Target = { host: string; port: number }

/**
 * What the rules of the forward proxy say of a tunnel or of a plain request on one of its listeners, by the code that
 * serves. It stands for a client that has logged in as `question.user`. Throws a RangeError for what is neither.
 */
export function decideForward(config: Config, name: string, question: Question): Decision {
  const { address, tls, mode } = config.listeners[name]!
  const listener = { name, address: formatAddress(address), tls: tls !== undefined }
  const request = { method: question.method, host: question.url, path: '', query: '', matchPath: '' }
  const unserved = { route: null, middleware: passed(config, name, []), captures: {}, serves: null, losers: [] }
  const tunnel = question.method === 'CONNECT'
  let target: Target
  try {
    target = tunnel ? parseConnectTarget(question.url) : plainTarget(question.url)
  } catch (error) {
    if (!(error instanceof TurnpikeError)) throw error
    return { request, listener, ...unserved, error: errorOf(error) }
  }
  const { host, port } = target
  const forward = config.forward!
  const rules = new RuleTable(forward, new Parents(config.parents))
  // What is raw TLS is asked for by the name in its ClientHello.
  const sni = tunnel ? (question.sni ?? (mode === 'proxy' ? null : host)) : ''
  const asked = {
    ...target,
    addresses: question.addresses ?? [],
    sni,
    user: question.user ?? '',
    clientAddress: question.from ?? '127.0.0.1',
    wallMs: question.wallMs ?? Date.now(),
  }
  const { verdict, losers, open } = rules.explain(asked)
  const lost = losers.map(({ rule, reason }) => ({ route: rule, reason }))
  const refusal = refusalOf()
  return {
    request: { ...request, host: `${host.includes(':') ? `[${host}]` : host}:${port}` },
    listener,
    route: null,
    rule: verdict.name,
    middleware: passed(config, name, forward.rules[verdict.rule]?.use ?? []),
    captures: {},
    serves: refusal === null ? servesOf(verdict, target, open) : null,
    error: refusal === null ? null : errorOf(refusal),
    losers: lost,
  }

  function refusalOf(): TurnpikeError | null {
    if (tunnel && mode === 'proxy' && !isInPorts(port, forward.connectPorts))
      return new TurnpikeError('ERR_PORT_FORBIDDEN', { message: `Tunnels to port ${port} are not allowed here.` })
    if (verdict.deny) return new TurnpikeError('ERR_RULE_DENIED')
    if (tunnel && rules.refusesNames(asked, verdict)) return new TurnpikeError('ERR_SNI_MISMATCH')
    const dialled = verdict.redirectTo ?? target
    if (!isAddress(dialled.host) || guardOf(config).allows(dialled.host, dialled.port)) return null
    return new TurnpikeError('ERR_ADDRESS_FORBIDDEN')
  }
}

/** Whether a rule asks for addresses, so that a name is to be resolved before it is asked about. */
export function wantsAddresses({ forward, parents }: Config): boolean {
  return forward !== undefined && new RuleTable(forward, new Parents(parents)).wantsAddresses
}

function plainTarget(url: string): Target {
  if (/^https?:\/\/[^/?@]+(?:[/?]|$)/i.test(url)) return new PlainOrigins().of(url).origin
  throw new RangeError(
    `${JSON.stringify(url)} is no URL with http:// or https://: that is what a forward proxy is asked for`,
  )
}

function servesOf({ via, redirectTo, intercept, needsHello }: Verdict, target: Target, open: string[]): Serves {
  const { host, port } = redirectTo ?? target
  return {
    kind: 'forward',
    target: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    parents: (via?.to(host) ?? []).map(({ name }) => name),
    intercept,
    readsHello: needsHello,
    open,
  }
}

function guardOf({ forward, listeners }: Config): ForwardGuard {
  const addresses = Object.values(listeners).map(({ address }) => address)
  return new ForwardGuard({ config: forward!.guard, ownAddresses: () => addresses, world: { now: () => 0 } })
}
