import type { Exchange } from '../../../engine/exchange.ts'
import type { Middleware } from '../../../engine/middleware/middleware.ts'
import type { EngineServices } from '../../../engine/services.ts'
import type { ForwardConfig } from '../config.ts'
import { ReplyTap, RequestTap } from './body-taps.ts'
import { CapturedBody } from './captured-body.ts'
import type { Flow } from './flow.ts'
import { flowEntry } from './flow-entry.ts'
import type { FlowJournal, FlowWatcher } from './flow-journal.ts'
import type { FlowRecorder } from './flow-recorder.ts'
import { Redaction } from './redaction.ts'

/** What a flow holds beside its bodies, about. */
const FLOW_BYTES = 8 * 1024

type RecordConfig = NonNullable<ForwardConfig['record']>

/** Its two halves as they pass. */
interface Recording {
  request: Flow['request']
  reply: Flow['reply']
  sentAt: number
}

/** Writes down what passes, in the background, as HAR 1.2. Tunnels are not: nothing of them is known. */
export class HarRecorder implements FlowRecorder {
  readonly middleware: Middleware = {
    request: (exchange) => this.asked(exchange),
    response: (exchange) => this.answered(exchange),
    finish: (exchange) => this.finished(exchange),
  }
  private readonly journal: FlowJournal
  private readonly redaction: Redaction
  private readonly mostBytes: number
  private readonly services: EngineServices
  private readonly recordings = new WeakMap<Exchange, Recording>()

  constructor({ bodies, redact, secrets }: RecordConfig, journal: FlowJournal, services: EngineServices) {
    this.journal = journal
    this.redaction = new Redaction(redact, secrets)
    this.mostBytes = bodies ?? 0
    this.services = services
  }

  get recent(): readonly string[] {
    return this.journal.recent
  }

  watch(watcher: FlowWatcher): () => void {
    return this.journal.watch(watcher)
  }

  private asked(exchange: Exchange): void {
    const recording: Recording = {
      request: {
        method: exchange.method,
        url: urlOf(exchange),
        protocol: exchange.protocol,
        fields: [...exchange.headers],
        body: null,
      },
      reply: null,
      sentAt: 0,
    }
    // RFC 9112 §3.2.2: it is written by egress where the fields have none.
    if (!exchange.headers.has('host')) recording.request.fields = [['Host', exchange.authority], ...exchange.headers]
    if (exchange.body !== null) {
      const captured = (recording.request.body = new CapturedBody(this.mostBytes))
      exchange.body = new RequestTap(exchange.body, captured, () => {
        recording.sentAt = this.services.world.now()
      })
    }
    this.recordings.set(exchange, recording)
  }

  private answered(exchange: Exchange): void {
    const recording = this.recordings.get(exchange)
    const { response } = exchange
    // An error page is ours: nothing came back.
    if (recording === undefined || response === null || exchange.error !== null) return
    const body = response.hasBody ? new CapturedBody(this.mostBytes) : null
    recording.reply = {
      status: response.status,
      reason: response.reason,
      protocol: exchange.replyProtocol,
      fields: [...response.headers],
      body,
    }
    if (body !== null) response.watch((next, ready) => new ReplyTap(body, next, ready))
  }

  private finished(exchange: Exchange): void {
    const recording = this.recordings.get(exchange)
    if (recording === undefined) return
    const { error, session } = exchange
    const { request, reply } = recording
    const flow: Flow = {
      id: this.services.requestIds.of(exchange),
      listener: session.listener,
      rule: exchange.route,
      clientAddress: exchange.clientAddress,
      clientPort: session.clientPort,
      user: exchange.user,
      startedWall: exchange.startedWall,
      request,
      reply,
      status: exchange.status,
      failure: error === null ? null : { code: error.code, phase: error.phase },
      serverAddress: exchange.serverAddress,
      times: {
        started: exchange.startedAt,
        connected: exchange.connectedAt,
        sent: recording.sentAt,
        firstByte: exchange.firstByteAt,
        finished: exchange.finishedAt,
      },
      reused: exchange.reused,
    }
    const held = (request.body?.kept ?? 0) + (reply?.body?.kept ?? 0)
    this.journal.add({
      bytes: FLOW_BYTES + held,
      entry: async () => JSON.stringify(await flowEntry(flow, this.redaction, this.mostBytes)),
    })
  }
}

/** Where it was sent to, in full: absolute as it came, else by the connection that it came on. */
function urlOf({ target, path, query, session, authority }: Exchange): string {
  const [, origin = `${session.scheme}://${authority}`] = /^([A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*)/.exec(target) ?? []
  return `${origin}${path === '*' ? '/' : path}${query}`
}
