import { bodyOf, foreignByte } from './identity.ts'
import { chunked, headText, type Attempt, type Life } from './life.ts'
import { MessageReader, type Head } from './message-reader.ts'
import type { ExchangePlan, OriginFault } from './plan.ts'
import { WireStream } from './wire-stream.ts'
import type { WireEnd } from './wire.ts'

/** Fields that belong to one hop: none of them may come through (H13). */
const hopByHop = ['keep-alive', 'proxy-connection', 'x-named-by-connection']

/** One connection of a scripted origin: reads requests strictly, and replies as each one's plan says. */
export class SimOrigin {
  private readonly life: Life
  private readonly stream: WireStream
  private readonly reader: MessageReader
  private served = 0
  private plan: ExchangePlan | null = null
  private attempt: Attempt | null = null
  private fault: OriginFault = 'none'
  private requestDone = true
  private replyDone = true
  private tunnelBytes = -1
  private isOver = false

  constructor(life: Life, end: WireEnd) {
    this.life = life
    this.stream = new WireStream(end, life.world.loop, {
      bytes: (bytes) => this.received(bytes),
      ended: () => this.over(),
      reset: () => this.over(),
    })
    this.reader = new MessageReader(null, {
      head: (head) => this.begins(head),
      body: (bytes) => this.body(bytes),
      end: (trailers) => this.ends(trailers),
      broken: (why) => life.violate(`the origin was sent what is no request: ${why}`),
    })
  }

  private received(bytes: Buffer): void {
    if (this.tunnelBytes < 0) return this.reader.feed(bytes)
    const { id } = this.plan!
    const foreign = foreignByte(id, 'request', this.tunnelBytes, bytes)
    if (foreign !== '') this.life.violate(`in the tunnel to the origin: ${foreign}`)
    this.tunnelBytes += bytes.length
    this.stream.send(bodyOf(id, 'reply', this.tunnelBytes - bytes.length, this.tunnelBytes))
  }

  private begins(head: Head): void {
    const { life } = this
    const id = Number(head.fields.get('x-id'))
    const plan = life.planOf(id)
    if (plan === undefined) return life.violate(`the origin was sent an unknown request: ${head.start}`)
    if (!this.requestDone || !this.replyDone) life.violate(`request ${id} came before the last one was over`)
    this.check(plan, head)
    const attempts = life.attempts.get(id) ?? []
    life.attempts.set(id, attempts)
    const last = attempts.at(-1)
    // H19. What a reset erased is as if it had never been sent.
    const replied = last?.replied === true && !life.plan.originStyle.resetErases
    // Once by the policy, and once for a used connection that had closed.
    const most = attempts[0]?.reused === true ? 2 : 1
    const asked = life.plan.policies && attempts.length <= most && plan.size === 0 && plan.method !== 'POST'
    if (last !== undefined && !asked && (!last.reused || replied || last.bodyBytes > 0 || plan.method === 'POST')) {
      life.violate(`request ${id} was repeated: ${JSON.stringify(last)}`)
    }
    this.plan = plan
    this.attempt = { reused: this.served++ > 0, bodyBytes: 0, complete: false, replied: false }
    attempts.push(this.attempt)
    this.requestDone = this.replyDone = false
    this.fault = plan.reply.faultOnce && attempts.length > 1 ? 'none' : plan.reply.fault
    life.note(
      () => `origin: request ${id}, try ${attempts.length}${this.attempt!.reused ? ', reused' : ''}, ${this.fault}`,
    )
    if (this.fault === 'closes-unread') return this.leave(() => this.stream.close())
    if (plan.expects && !plan.reply.early) this.stream.send(headText('HTTP/1.1 100 Continue', [['X-Id', String(id)]]))
    if (plan.reply.early || plan.upgrades) this.replyLater()
  }

  private check(plan: ExchangePlan, { start, fields }: Head): void {
    const { life } = this
    if (start !== `${plan.method} /${plan.id}?of=${plan.id} HTTP/1.1`) life.violate(`request ${plan.id} is ${start}`)
    for (const name of hopByHop) if (fields.has(name)) life.violate(`H13: ${name} reached the origin`)
    if (fields.get('host') !== 'sim.example') life.violate(`host is ${fields.get('host')}`)
    if (!fields.get('via')?.endsWith(' sim')) life.violate('H14: no Via reached the origin')
    if (!fields.has('x-forwarded-for')) life.violate('H18: no X-Forwarded-For reached the origin')
    if (plan.framing === 'length' && fields.get('content-length') !== String(plan.size)) {
      life.violate(`request ${plan.id} of ${plan.size} bytes has length ${fields.get('content-length')}`)
    }
    if (plan.framing === 'chunked' && !fields.has('transfer-encoding'))
      life.violate(`request ${plan.id} lost its framing`)
  }

  private body(bytes: Buffer): void {
    const { attempt, plan } = this
    if (plan === null || attempt === null) return
    const foreign = foreignByte(plan.id, 'request', attempt.bodyBytes, bytes)
    if (foreign !== '') this.life.violate(`at the origin: ${foreign}`)
    attempt.bodyBytes += bytes.length
    if (attempt.bodyBytes > plan.size) this.life.violate(`request ${plan.id} is longer than ${plan.size}`)
  }

  private ends(trailers: Map<string, string>): void {
    const { attempt, plan, life } = this
    if (plan === null || attempt === null) return
    this.requestDone = attempt.complete = true
    if (attempt.bodyBytes !== plan.size) {
      life.violate(`H7: request ${plan.id} looks complete after ${attempt.bodyBytes} of ${plan.size} bytes`)
    }
    const trailer = trailers.get('x-trailer')
    if (trailer !== undefined && (!plan.trailers || trailer !== `q${plan.id}`)) life.violate(`trailer ${trailer}`)
    if (!plan.reply.early && !plan.upgrades && this.fault !== 'closes-unread') this.replyLater()
  }

  private replyLater(): void {
    const plan = this.plan!
    this.life.world.loop.ready(() => {
      if (!this.isOver) this.reply(plan)
    }, plan.reply.delayMs)
  }

  private reply(plan: ExchangePlan): void {
    const { stream, fault } = this
    const { reply, id } = plan
    const same: [string, string] = ['X-Id', String(id)]
    if (fault === 'silent') return
    if (fault === 'closes') return this.leave(() => stream.close())
    if (fault === 'resets') return this.leave(() => stream.reset())
    this.attempt!.replied = true
    for (const status of reply.interims) {
      if (status !== 100 || plan.expects) stream.send(headText(`HTTP/1.1 ${status} Wait`, [same, ['Link', '</a>']]))
    }
    if (plan.upgrades && reply.status === 200 && fault === 'none') {
      stream.send(headText('HTTP/1.1 101 Switching', [same, ['Upgrade', 'websocket'], ['Connection', 'Upgrade']]))
      this.reader.stop()
      this.tunnelBytes = 0
      const early = this.reader.rest
      if (early.length > 0) this.received(early)
      return
    }
    if (fault === 'switches') {
      stream.send(headText('HTTP/1.1 101 Switching', [same, ['Upgrade', 'h2c'], ['Connection', 'upgrade']]))
      return this.leave(() => {})
    }
    if (fault === 'garbage') {
      stream.send(`HTTP/1.1 2x0 What\r\nX-Id: ${id}\r\n\r\n`)
      return this.leave(() => {})
    }
    this.send(plan, fault)
  }

  private send(plan: ExchangePlan, fault: OriginFault): void {
    const { stream, life } = this
    const { reply, id } = plan
    const head = headText(`HTTP/1.1 ${reply.status} Status`, this.fields(plan, fault))
    if (fault === 'half-head') {
      stream.send(head.slice(0, 12 + Math.floor((head.length - 16) * plan.faultAt)))
      return this.leave(() => stream.close())
    }
    stream.send(head)
    if (fault === 'two-framings') return this.leave(() => {})
    if (plan.method !== 'HEAD' && reply.framing !== 'none') {
      const bytes = bodyOf(id, 'reply', 0, reply.size)
      const size = life.random.pick([1 + (reply.size >> 2), 1000, 17_000])
      const trailers: [string, string][] | null = reply.trailers
        ? [
            ['X-Trailer', `r${id}`],
            ['Content-Length', '3'],
          ]
        : null
      const framed = reply.framing === 'chunked' ? chunked(bytes, size, trailers) : bytes
      const cut = Math.floor(framed.length * plan.faultAt * 0.99)
      if (fault === 'truncates' || fault === 'resets-in-body' || fault === 'stalls-in-body') {
        stream.send(framed.subarray(0, cut))
        if (fault === 'stalls-in-body') return
        return this.leave(() => (fault === 'truncates' ? stream.close() : stream.reset()))
      }
      if (fault === 'bad-chunk') {
        stream.send('zz\r\n')
        return this.leave(() => {})
      }
      stream.send(framed)
    }
    if (fault === 'too-much') {
      stream.send('HTTP/1.1 surplus')
      return this.leave(() => {})
    }
    stream.afterwards(() => this.replied(plan))
  }

  private fields({ id, reply, method, faultAt }: ExchangePlan, fault: OriginFault): [string, string][] {
    const fields: [string, string][] = [
      ['X-Id', String(id)],
      ['X-Pad', `r${id}.`.repeat(1 + Math.floor(faultAt * 40))],
      ['Keep-Alive', 'timeout=5'],
    ]
    if (reply.framing === 'length') fields.push(['Content-Length', String(reply.size)])
    if (reply.framing === 'chunked') fields.push(['Transfer-Encoding', 'chunked'])
    if (fault === 'two-framings') fields.push(['Transfer-Encoding', 'chunked'], ['Content-Length', '5'])
    if (reply.closes === 'announced') fields.push(['Connection', 'close'])
    else if (method === 'GET')
      fields.push(['Connection', 'keep-alive, x-named-by-connection'], ['X-Named-By-Connection', '1'])
    return fields
  }

  private replied(plan: ExchangePlan): void {
    const { reply } = plan
    this.replyDone = true
    this.life.note(() => `origin: replied to ${plan.id}`)
    if (reply.framing === 'close' && plan.method !== 'HEAD') return this.leave(() => this.stream.close())
    if (reply.closes === 'no') return
    const closesMs = reply.closes === 'silently' ? this.life.random.between(0, 3) : 0
    this.life.world.loop.ready(() => {
      if (this.replyDone) this.leave(() => this.stream.close())
    }, closesMs)
  }

  /** Does something once everything was sent, and takes no more. */
  private leave(how: () => void): void {
    this.stream.afterwards(() => {
      this.isOver = true
      this.reader.stop()
      how()
    })
  }

  private over(): void {
    this.isOver = true
    this.stream.close()
  }
}
