import { bodyOf, foreignByte } from './identity.ts'
import { chunked, headText, type Life, type Sight } from './life.ts'
import { MessageReader, type Head } from './message-reader.ts'
import type { ClientPlan, ExchangePlan } from './plan.ts'
import { WireStream } from './wire-stream.ts'

const garbage = [
  'GET / HTTP/1.1\r\nHost: a\r\nX y: 1\r\n\r\n',
  'get\r\n\r\n',
  'GET  / HTTP/1.1\r\n\r\n',
  '\x16\x03\x01\x02\r\n\r\n',
]
const TUNNEL_BYTES = 3000
/** How long it waits for a 100 before it sends the body all the same. */
const CONTINUE_MS = 60

/** One connection of a scripted client: sends its requests, reads replies strictly, behaves or misbehaves as planned. */
export class SimClient {
  readonly sights: Sight[]
  isDone = false
  private readonly life: Life
  private readonly plan: ClientPlan
  private stream!: WireStream
  private readonly reader: MessageReader
  private sent = 0
  private answered = 0
  /** The body that waits for a 100. */
  private awaited: (() => void) | null = null
  private sending = false
  private closing = false
  private tunnelBytes = -1

  constructor(life: Life, plan: ClientPlan) {
    this.life = life
    this.plan = plan
    this.sights = plan.exchanges.map(() => ({ outcome: 'none', status: 0, saysClose: false, bytes: 0 }))
    this.reader = new MessageReader(() => this.current.method, {
      head: (head) => this.head(head),
      body: (bytes) => this.body(bytes),
      end: (trailers) => this.replied(trailers),
      broken: (why) => life.violate(`a client was sent what is no reply: ${why}`),
    })
    life.world.loop.ready(() => this.connect(), plan.startsMs)
  }

  private get current(): ExchangePlan {
    return this.plan.exchanges[Math.min(this.answered, this.plan.exchanges.length - 1)]!
  }

  private connect(): void {
    const { life, plan } = this
    const end = life.world.connect(life.address, plan.style)
    if (end === null) {
      this.isDone = true
      return
    }
    this.stream = new WireStream(end, life.world.loop, {
      bytes: (bytes) => this.received(bytes),
      ended: () => {
        this.reader.close()
        this.finish('end')
      },
      reset: () => this.finish('reset'),
    })
    this.stream.readsEveryMs = plan.readsEveryMs
    this.sendNext()
  }

  private sendNext(): void {
    const { plan } = this
    if (this.sending || this.closing || this.sent >= plan.exchanges.length || this.sent - this.answered >= plan.depth)
      return
    const exchange = plan.exchanges[this.sent++]!
    this.sending = true
    this.life.world.loop.ready(() => {
      if (this.closing) return
      this.send(exchange)
    }, plan.thinkMs)
  }

  private send(plan: ExchangePlan): void {
    const { stream } = this
    const { fault } = plan
    this.life.note(() => `client: ${plan.method} ${plan.id}, ${plan.framing} ${plan.size}, ${fault}`)
    if (fault === 'garbage') {
      stream.send(garbage[Math.floor(plan.faultAt * garbage.length)]!)
      return
    }
    const head = headText(`${plan.method} /${plan.id}?of=${plan.id} HTTP/1.${plan.versionMinor}`, this.fields(plan))
    if (fault === 'half-head' || fault === 'stalls-in-head') {
      stream.send(head.slice(0, 1 + Math.floor((head.length - 2) * plan.faultAt)))
      if (fault === 'half-head') stream.afterwards(() => this.leave())
      return
    }
    stream.send(head)
    if (plan.expects) {
      this.awaited = () => this.sendBody(plan)
      this.life.world.loop.ready(() => this.continue(), CONTINUE_MS)
    } else {
      this.sendBody(plan)
    }
  }

  private fields(plan: ExchangePlan): [string, string][] {
    const fields: [string, string][] = [
      ['Host', 'sim.example'],
      ['X-Id', String(plan.id)],
      ['X-Pad', `q${plan.id}.`.repeat(1 + Math.floor(plan.faultAt * 40))],
    ]
    const options: string[] = []
    if (plan.upgrades) {
      options.push('Upgrade')
      fields.push(['Upgrade', 'websocket'])
    }
    if (plan.acceptsTrailers) {
      options.push('TE')
      fields.push(['TE', 'trailers'])
    }
    if (!plan.keepsAlive) options.push('close')
    else if (plan.versionMinor === 0) options.push('keep-alive')
    if (plan.id % 3 === 0) {
      options.push('x-named-by-connection', 'host', 'content-length')
      fields.push(['X-Named-By-Connection', '1'], ['Keep-Alive', 'timeout=9'])
    }
    if (options.length > 0) fields.push(['Connection', options.join(', ')])
    if (plan.framing === 'length' || plan.fault === 'two-framings') fields.push(['Content-Length', String(plan.size)])
    if (plan.framing === 'chunked' || plan.fault === 'two-framings') fields.push(['Transfer-Encoding', 'chunked'])
    if (plan.expects) fields.push(['Expect', '100-continue'])
    return fields
  }

  private continue(): void {
    const send = this.awaited
    this.awaited = null
    if (!this.closing) send?.()
  }

  private sendBody(plan: ExchangePlan): void {
    const { stream } = this
    const { fault } = plan
    const bytes = bodyOf(plan.id, 'request', 0, plan.size)
    const trailers: [string, string][] | null = plan.trailers ? [['X-Trailer', `q${plan.id}`]] : null
    const size = this.life.random.pick([1 + (plan.size >> 2), 700, 20_000])
    const framed = plan.framing === 'chunked' ? chunked(bytes, size, trailers) : bytes
    if (fault === 'half-body' || fault === 'resets-in-body' || fault === 'stalls-in-body') {
      stream.send(framed.subarray(0, Math.floor(framed.length * plan.faultAt * 0.99)))
      if (fault === 'half-body') stream.shutdown()
      else if (fault === 'resets-in-body') stream.afterwards(() => this.leave(true))
      return
    }
    if (fault === 'bad-chunk') {
      const cut = Math.floor((bytes.length * plan.faultAt) / 2)
      if (cut > 0)
        stream.send(
          Buffer.concat([Buffer.from(`${cut.toString(16)}\r\n`), bytes.subarray(0, cut), Buffer.from('\r\n')]),
        )
      stream.send('-1\r\nx\r\n0\r\n\r\n')
      return
    }
    stream.send(framed)
    const laterMs = this.life.random.between(0, 50)
    if (fault === 'half-closes') stream.shutdown()
    else if (fault === 'stops-reading') {
      stream.stopReading()
      this.life.world.loop.ready(() => stream.resumeReading(), 6000)
    } else if (fault === 'leaves' || fault === 'resets') {
      stream.afterwards(() => this.life.world.loop.ready(() => this.leave(fault === 'resets'), laterMs))
    }
    stream.afterwards(() => {
      this.sending = false
      this.sendNext()
    })
  }

  private received(bytes: Buffer): void {
    if (this.tunnelBytes < 0) return this.reader.feed(bytes)
    const { id } = this.current
    const foreign = foreignByte(id, 'reply', this.tunnelBytes, bytes)
    if (foreign !== '') this.life.violate(`in the tunnel to the client: ${foreign}`)
    this.tunnelBytes += bytes.length
    if (this.tunnelBytes === TUNNEL_BYTES) this.stream.shutdown()
  }

  private head(head: Head): void {
    const { life, answered } = this
    const plan = this.current
    const sight = this.sights[answered]
    if (sight === undefined || answered >= this.sent)
      return life.violate(`a reply that nobody asked for: ${head.start}`)
    const id = head.fields.get('x-id')
    if (id !== undefined && id !== String(plan.id)) life.violate(`the reply to ${plan.id} is that to ${id}`)
    if (head.fields.has('x-named-by-connection') || head.fields.has('keep-alive'))
      life.violate('H13: a hop-by-hop field')
    if (head.status === 101) return this.switched(plan, sight)
    if (head.status < 200) {
      if (plan.versionMinor === 0) life.violate('H15: a 1xx to a 1.0 client')
      if (head.status === 100 && !plan.expects) life.violate('H15: a 100 that nobody expects')
      if (head.status === 100) this.continue()
      return
    }
    sight.status = head.status
    sight.saysClose = /\bclose\b/.test(head.fields.get('connection') ?? '')
    if (id !== undefined) {
      sight.outcome = 'partial'
      if (head.status !== plan.reply.status) life.violate(`status ${head.status} in place of ${plan.reply.status}`)
      return
    }
    const code = /^sim\b.*details="(ERR_[A-Z_]+)"/.exec(head.fields.get('proxy-status') ?? '')?.[1]
    if (code === undefined) return life.violate(`H23: a reply by nobody: ${head.start}`)
    sight.outcome = code
  }

  private switched(plan: ExchangePlan, sight: Sight): void {
    if (!plan.upgrades) return this.life.violate('H16: a tunnel that nobody asked for')
    sight.outcome = 'switched'
    this.reader.stop()
    this.tunnelBytes = 0
    this.stream.send(bodyOf(plan.id, 'request', 0, TUNNEL_BYTES))
    const early = this.reader.rest
    if (early.length > 0) this.received(early)
  }

  private body(bytes: Buffer): void {
    const sight = this.sights[this.answered]
    if (sight === undefined || sight.outcome.startsWith('ERR')) return
    const foreign = foreignByte(this.current.id, 'reply', sight.bytes, bytes)
    if (foreign !== '') this.life.violate(`at the client: ${foreign}`)
    sight.bytes += bytes.length
  }

  private replied(trailers: Map<string, string>): void {
    const { life } = this
    const plan = this.current
    const sight = this.sights[this.answered]
    if (sight === undefined) return
    life.note(() => `client: reply to ${plan.id}: ${sight.outcome} ${sight.status}, ${sight.bytes} bytes`)
    if (sight.outcome === 'partial') {
      sight.outcome = 'reply'
      const size = plan.method === 'HEAD' ? 0 : plan.reply.size
      if (sight.bytes !== size)
        life.violate(`H7: the reply to ${plan.id} looks complete after ${sight.bytes} of ${size} bytes`)
      const trailer = trailers.get('x-trailer')
      if (trailers.has('content-length')) life.violate('H6: a framing field among the trailers')
      if (trailer !== undefined && (trailer !== `r${plan.id}` || !plan.acceptsTrailers))
        life.violate(`trailer ${trailer}`)
      if (
        trailer === undefined &&
        plan.reply.trailers &&
        plan.acceptsTrailers &&
        plan.versionMinor === 1 &&
        plan.method !== 'HEAD'
      ) {
        life.violate(`the trailers of ${plan.id} are lost`)
      }
    }
    this.answered++
    if (sight.saysClose) {
      this.closing = true
      this.stream.stopSending()
      return
    }
    this.continue()
    if (this.answered === this.plan.exchanges.length) {
      // Its last request may still be leaving, where the reply came early.
      this.stream.afterwards(() => this.leave())
      return
    }
    this.sendNext()
  }

  private leave(byReset = false): void {
    if (this.isDone) return
    this.isDone = true
    this.life.note(() => `client: ${byReset ? 'resets' : 'closes'}`)
    if (byReset) this.stream.reset()
    else this.stream.close()
  }

  private finish(how: string): void {
    this.life.note(() => `client: the connection ended (${how})`)
    if (
      this.tunnelBytes >= 0 &&
      this.tunnelBytes !== TUNNEL_BYTES &&
      this.sights[this.answered]!.outcome === 'switched'
    ) {
      this.sights[this.answered]!.outcome = 'partial'
    }
    if (how === 'end' && !this.reader.isBetween && this.tunnelBytes < 0) {
      this.life.note(() => 'client: in the midst of a message')
    }
    this.leave()
  }
}
