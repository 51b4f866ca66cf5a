import { compareReplies } from './doors/forward/flows/compare-replies.ts'
import { CapturedBody } from './doors/forward/flows/captured-body.ts'
import { harContent } from './doors/forward/flows/har-content.ts'
import { Redaction } from './doors/forward/flows/redaction.ts'
import { replayRequest, type RecordedFlow, type ReplayRequest } from './doors/forward/flows/replay-request.ts'
import { TurnpikeError } from './core/error.ts'
import { PooledHttpClient } from './engine/client/pooled-http-client.ts'
import { createEngine } from './engine/engine.ts'
import { realWorld } from './engine/real-world.ts'
import { Scope } from './engine/scope.ts'
import { SharedStates } from './engine/shared-states.ts'
import { UpstreamTls } from './engine/tls/upstream-tls.ts'

export { readFlows, type RecordedFlow } from './doors/forward/flows/replay-request.ts'

/** What is compared of a body. */
const BODY_MOST_BYTES = 64 * 1024 * 1024
const timeouts = { connectMs: 10_000, tlsMs: 10_000, firstByteMs: 60_000, stallMs: 60_000 }

export interface ReplayOptions {
  flows: readonly RecordedFlow[]
  /** Scheme, host and port of what is sent the requests. */
  against: URL
  /** PEM of the authorities that are trusted; null for the machine's. */
  ca: string | null
  /** Whether `Host` is what was recorded, rather than that of `against`. */
  keepsHost: boolean
  /** Sent in place of recorded fields of their names. */
  fields: readonly (readonly [name: string, value: string])[]
  withBodies: boolean
  /** Requests at a time: with one, they are sent in the recorded order. */
  concurrency: number
  /** Requests a second at most, Infinity for as fast as they are answered. */
  perSecond: number
  signal: AbortSignal
}

/** What became of one flow. */
export interface ReplayedFlow {
  method: string
  path: string
  /** Recorded status, 0 where none came. */
  recorded: number
  /** 0 where none came now. */
  status: number
  tookMs: number
  /** `same`; `different`, with what differs; `unsent`, with why. */
  outcome: 'same' | 'different' | 'unsent'
  detail: string
}

/** Sends recorded requests to another origin and compares what it answers. `told` hears of each, in the order of the flows. */
export async function replayFlows(options: ReplayOptions, told: (flow: ReplayedFlow) => void): Promise<void> {
  const { flows, concurrency, perSecond, signal } = options
  const world = realWorld()
  const services = createEngine({ world, observer: { routed() {}, finished() {} }, pseudonym: 'replay' })
  const faults: unknown[] = []
  const onError = (error: unknown): void => void faults.push(error)
  const scope = new Scope({ world, ledger: services.ledger, states: new SharedStates(), onError })
  const client = new PooledHttpClient(services, '', scope)
  const tls = options.ca === null ? {} : { tls: new UpstreamTls({ ca: options.ca, minVersion: '1.2', verify: true }) }
  // Timers of a world keep no process alive, and to wait for the next turn is nothing else.
  const alive = new MessageChannel()
  alive.port1.ref()
  const started = world.now()
  const sleep = async (ms: number): Promise<void> => {
    const woken = Promise.withResolvers<void>()
    const timer = scope.after(ms, woken.resolve)
    signal.addEventListener('abort', () => woken.resolve(), { once: true })
    await woken.promise
    timer.cancel()
  }
  const results: (ReplayedFlow | null)[] = flows.map(() => null)
  let shown = 0
  let sent = 0
  const waiting = flows.entries()
  const work = async (): Promise<void> => {
    for (const [at, flow] of waiting) {
      if (signal.aborted) return
      const request = replayRequest(flow, options.keepsHost)
      if (typeof request === 'string') {
        results[at] = { ...factsOf(flow, null), outcome: 'unsent', detail: request }
      } else {
        const due = started + (sent++ * 1000) / perSecond - world.now()
        if (due > 0) await sleep(due)
        if (isAborted(signal)) return
        const from = world.now()
        const answer = await send(request, { ...options, client, tls })
        results[at] = {
          ...factsOf(flow, request),
          ...answered(flow, answer, options.withBodies),
          tookMs: Math.round(world.now() - from),
        }
      }
      for (let next = results[shown]; next !== null && next !== undefined; next = results[++shown]) told(next)
    }
  }
  try {
    await Promise.all(Array.from({ length: concurrency }, work))
  } finally {
    await scope.close()
    alive.port1.close()
  }
  if (faults.length > 0) throw new AggregateError(faults, 'The replay did not end well.')
}

type Answer = { status: number; content: Awaited<ReturnType<typeof harContent>> } | TurnpikeError

async function send(
  { method, path, fields, body }: ReplayRequest,
  {
    against,
    signal,
    client,
    tls,
    fields: more,
  }: ReplayOptions & { client: PooledHttpClient; tls: { tls?: UpstreamTls } },
): Promise<Answer> {
  const replaced = new Set(more.map(([name]) => name.toLowerCase()))
  try {
    const reply = await client.request({
      method,
      url: targetOf(against, path),
      fields: [...fields.filter(([name]) => !replaced.has(name.toLowerCase())), ...more],
      body,
      timeouts,
      signal,
      ...tls,
    })
    const captured = new CapturedBody(BODY_MOST_BYTES)
    for await (const piece of reply.body) captured.add(piece, 0, piece.length)
    captured.ended = true
    const content = await harContent(captured, [...reply.headers], showsAll, BODY_MOST_BYTES)
    return { status: reply.status, content }
  } catch (error) {
    if (error instanceof TurnpikeError) return error
    throw error
  }
}

const showsAll = new Redaction([], true)

/** A path may begin with two slashes, which a URL that is resolved takes for a host. */
function targetOf(against: URL, path: string): URL {
  return new URL(against.origin + path)
}

function factsOf(
  { request, response }: RecordedFlow,
  sent: ReplayRequest | null,
): Omit<ReplayedFlow, 'outcome' | 'detail'> {
  const path = sent?.path ?? request.url
  return { method: request.method, path, recorded: response.status, status: 0, tookMs: 0 }
}

function answered(
  flow: RecordedFlow,
  answer: Answer,
  withBodies: boolean,
): Pick<ReplayedFlow, 'status' | 'outcome' | 'detail'> {
  if (answer instanceof TurnpikeError) {
    // What failed then and fails now is the same.
    const outcome = flow.response.status === 0 ? 'same' : 'different'
    return { status: 0, outcome, detail: `${answer.message} [${answer.code}]` }
  }
  const detail = compareReplies(flow.response, answer, withBodies)
  return { status: answer.status, outcome: detail === '' ? 'same' : 'different', detail }
}

/** May have become so during any wait. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted
}
