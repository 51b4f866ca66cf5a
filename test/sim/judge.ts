import type { Attempt, Life, Sight } from './life.ts'
import type { ClientFault, ClientPlan, ExchangePlan, LifePlan, OriginFault } from './plan.ts'

/** What a client may see of an exchange that met a fault of its own making, beside what the origin's does. */
const clientFaults: Record<ClientFault, { may: string[]; mayReply: boolean }> = {
  none: { may: [], mayReply: true },
  garbage: { may: ['ERR_HEADER_SYNTAX', 'ERR_REQUEST_LINE', 'ERR_HOST'], mayReply: false },
  'two-framings': { may: ['ERR_FRAMING'], mayReply: false },
  'bad-chunk': { may: ['ERR_CHUNK', 'none', 'partial'], mayReply: false },
  'half-head': { may: ['none'], mayReply: false },
  'stalls-in-head': { may: ['ERR_HEAD_TIMEOUT'], mayReply: false },
  'half-body': { may: ['none', 'partial', 'ERR_CLIENT_ABORT'], mayReply: false },
  'resets-in-body': { may: ['none', 'partial'], mayReply: false },
  'stalls-in-body': { may: ['ERR_BODY_TIMEOUT', 'none', 'partial'], mayReply: false },
  leaves: { may: ['none', 'partial'], mayReply: true },
  resets: { may: ['none', 'partial'], mayReply: true },
  'half-closes': { may: ['none', 'partial'], mayReply: true },
  'stops-reading': { may: ['none', 'partial'], mayReply: true },
}

/** What a client may see of an exchange whose origin misbehaves. */
const originFaults: Record<OriginFault, string[]> = {
  none: [],
  'closes-unread': ['ERR_UPSTREAM_CLOSED'],
  closes: ['ERR_UPSTREAM_CLOSED'],
  resets: ['ERR_UPSTREAM_CLOSED'],
  'half-head': ['ERR_UPSTREAM_CLOSED'],
  garbage: ['ERR_UPSTREAM_HEAD'],
  'two-framings': ['ERR_UPSTREAM_FRAMING'],
  silent: ['ERR_FIRST_BYTE_TIMEOUT', 'ERR_STALL_TIMEOUT'],
  truncates: ['partial', 'none'],
  'resets-in-body': ['partial', 'none', 'ERR_UPSTREAM_CLOSED'],
  'stalls-in-body': ['partial', 'none'],
  'bad-chunk': ['partial', 'none'],
  switches: ['ERR_UPSTREAM_UPGRADE'],
  'too-much': ['reply', 'switched'],
}

const dialTroubles: Record<LifePlan['dialTrouble'], string[]> = {
  none: [],
  refuses: ['ERR_CONNECT_REFUSED'],
  descriptors: ['ERR_DESCRIPTORS'],
  hangs: ['ERR_CONNECT_TIMEOUT', 'ERR_POOL_EXHAUSTED'],
  unroutable: ['ERR_CONNECT_FAILED'],
  'unknown-name': ['ERR_DNS'],
  'slow-name': ['ERR_DNS_TIMEOUT', 'ERR_POOL_EXHAUSTED'],
}

const timeouts = [
  'ERR_HEAD_TIMEOUT',
  'ERR_BODY_TIMEOUT',
  'ERR_FIRST_BYTE_TIMEOUT',
  'ERR_STALL_TIMEOUT',
  'ERR_CONNECT_TIMEOUT',
]

const policies = [
  'ERR_QUEUE_FULL',
  'ERR_QUEUE_TIMEOUT',
  'ERR_TRY_TIMEOUT',
  'ERR_TOTAL_TIMEOUT',
  'ERR_CIRCUIT_OPEN',
  'partial',
  'none',
]

/** What the client may see of an exchange, by all that was planned to go wrong in this life. */
function allowed(life: Life, exchange: ExchangePlan): Set<string> {
  const { plan } = life
  const may = new Set<string>()
  const attempts = life.attempts.get(exchange.id) ?? []
  const client = clientFaults[exchange.fault]
  const { reply } = exchange
  for (const outcome of client.may) may.add(outcome)
  const early = reply.early || reply.fault === 'closes-unread'
  if (client.mayReply || (early && attempts.length > 0)) {
    const met = reply.fault !== 'none' && !(reply.faultOnce && attempts.length > 1)
    if (!met) may.add(exchange.upgrades && reply.status === 200 ? 'switched' : 'reply')
    else for (const outcome of originFaults[reply.fault]) may.add(outcome)
    if (met && reply.fault === 'too-much' && exchange.upgrades) may.add('ERR_UPSTREAM_UPGRADE')
  }
  if (plan.dialTrouble !== 'none') for (const code of dialTroubles[plan.dialTrouble]) may.add(code)
  if (plan.busy)
    for (const code of [...timeouts, 'ERR_POOL_EXHAUSTED', 'ERR_DNS_TIMEOUT', 'none', 'partial']) may.add(code)
  if (plan.poolMax < 16) may.add('ERR_POOL_EXHAUSTED')
  if (plan.policies) for (const code of policies) may.add(code)
  if (life.drained) may.add('none').add('ERR_DRAINING')
  addOrigin(life, exchange, attempts, may)
  return may
}

/** What an origin that leaves connections behind may do to those who come after. */
function addOrigin(life: Life, exchange: ExchangePlan, attempts: Attempt[], may: Set<string>): void {
  const others = life.plan.clients.flatMap((client) => client.exchanges).filter(({ id }) => id !== exchange.id)
  const last = attempts.at(-1)
  const onUsed = last === undefined || last.reused
  const closesBehind = others.some(({ reply }) => reply.closes === 'silently')
  const safe = exchange.framing === 'none' && exchange.method !== 'POST'
  if (onUsed && closesBehind && !safe) may.add('ERR_UPSTREAM_CLOSED')
  // Surplus bytes that come late stand where the next reply should: a fault nobody can hide.
  if (others.some(({ reply }) => reply.fault === 'too-much')) {
    for (const code of ['ERR_UPSTREAM_HEAD', 'ERR_UPSTREAM_CLOSED', 'ERR_FIRST_BYTE_TIMEOUT', 'ERR_STALL_TIMEOUT'])
      may.add(code)
  }
  // An early reply that closes, or a reset that overtakes it, may take the reply along.
  const { reply } = exchange
  if (reply.early && (reply.closes !== 'no' || reply.framing === 'close' || reply.fault !== 'none')) {
    for (const outcome of ['ERR_UPSTREAM_CLOSED', 'partial', 'none']) may.add(outcome)
  }
}

const leaving = new Set<ClientFault>([
  'half-head',
  'half-body',
  'resets-in-body',
  'leaves',
  'resets',
  'half-closes',
  'stops-reading',
])

/** Holds what a client saw against what it may have seen. */
export function judge(life: Life, client: ClientPlan, sights: Sight[]): void {
  let over = false
  // Who sends ahead and then leaves, leaves before the replies that it still waits for.
  const leaves = client.depth > 1 && client.exchanges.some(({ fault }) => leaving.has(fault))
  for (const [index, exchange] of client.exchanges.entries()) {
    const sight = sights[index]!
    if (over) {
      if (sight.outcome !== 'none') life.violate(`${exchange.id} was answered after the connection was over`)
      continue
    }
    const may = allowed(life, exchange)
    // A connection that is cut for one reply may take those before it along (RFC 9112 §9.6).
    const cutsBehind =
      client.depth > 1 && client.exchanges.slice(index + 1).some(({ reply }) => reply.fault !== 'none' || reply.early)
    if (leaves || cutsBehind) may.add('none').add('partial')
    if (!may.has(sight.outcome)) {
      life.violate(`${exchange.id} came to ${sight.outcome}; it may come to ${[...may].join(', ')}`)
    }
    over = sight.saysClose || ['none', 'partial', 'switched'].includes(sight.outcome)
  }
}
