import { TurnpikeError } from '../core/error.ts'
import type { Headers } from '../core/headers.ts'
import type { AttemptWatcher } from '../engine/attempt-watcher.ts'
import type { ExchangeWorker } from '../engine/client-port.ts'
import type { Exchange } from '../engine/exchange.ts'
import { Deadline, type TimerName } from '../engine/timers.ts'
import { noteFailure, type Cluster } from './cluster.ts'
import type { Applicant } from './admission.ts'
import { isStale, type Member } from './member.ts'

/**
 * `queued`: waits to be let in. `trying`: with a connection, until the head of its reply. `resting`: between two
 * tries. `replying`: its reply goes out. `over`: nothing more happens.
 */
type State = 'queued' | 'trying' | 'resting' | 'replying' | 'over'

/** One exchange on its way through a cluster that queues, retries, breaks circuits, or bounds the whole. */
export class Delivery implements AttemptWatcher, ExchangeWorker, Applicant {
  queuedAt = 0
  private readonly cluster: Cluster
  private readonly exchange: Exchange
  private state: State = 'queued'
  private inside = false
  private member: Member | null = null
  /** The try is a trial of a half-open breaker. */
  private trial = false
  /** The breaker has heard how the try went. */
  private judged = false
  private retries = 0
  /** It was sent again because its connection had closed: once, and no retry of the policy's. */
  private refreshed = false
  /** The try that is ending is followed by another: on the same member, where its connection had closed unused. */
  private again: 'no' | 'same' | 'other' = 'no'
  /** Of the queue, of the rest between tries, or of the try. */
  private readonly step = new Deadline((name) => this.expired(name))
  private readonly total: Deadline | null

  constructor(cluster: Cluster, exchange: Exchange) {
    this.cluster = cluster
    this.exchange = exchange
    const totalMs = exchange.timeouts?.totalMs ?? Infinity
    this.total = totalMs === Infinity ? null : new Deadline((name) => this.expired(name))
    if (this.total !== null) cluster.services.timers.set(this.total, 'total', exchange.startedAt, totalMs)
  }

  start(): void {
    const { cluster, exchange } = this
    const now = cluster.services.world.now()
    cluster.retries?.budget.request(now)
    const { admission } = cluster
    if (admission === null) return this.send(now)
    this.queuedAt = now
    const answer = admission.enter(this)
    if (answer === 'full') return this.refuse('ERR_QUEUE_FULL')
    if (answer === 'admitted') {
      this.inside = true
      return this.send(now)
    }
    exchange.client.worker = this
    this.arm('queue', admission.options.queueTimeout)
  }

  admitted(): void {
    const now = this.cluster.services.world.now()
    this.inside = true
    this.exchange.queuedMs = now - this.queuedAt
    this.release()
    this.send(now)
  }

  replied(exchange: Exchange, status: number, headers: Headers): boolean {
    const member = this.member!
    const { retries } = this.cluster
    this.judge(status < 500)
    if (status !== 101 && retries !== null && retries.coversStatus(status) && this.mayRepeat(false)) {
      member.answered(exchange, status)
      this.followUp(String(status), 'other')
      return false
    }
    this.state = 'replying'
    this.cluster.services.timers.remove(this.step)
    // A tunnel lives as long as it moves.
    if (status === 101 && this.total !== null) this.cluster.services.timers.remove(this.total)
    return member.replied(exchange, status, headers)
  }

  attemptFailed(exchange: Exchange, error: TurnpikeError, repeatable: boolean): void {
    if (isStale(error, repeatable) && !this.refreshed) {
      this.refreshed = true
      return this.followUp(error.code, 'same')
    }
    this.member!.failed(error)
    if (error.source === 'upstream') this.judge(false)
    if (this.repeats(error, repeatable)) return
    this.state = 'replying'
    exchange.fail(error)
  }

  attemptEnded(exchange: Exchange, error: TurnpikeError | null): void {
    if (error !== null) this.judge(false)
    if (this.trial && !this.judged) this.member!.breaker!.withdraw()
    this.judged = true
    this.member!.attemptEnded(exchange, error)
    const { again } = this
    this.again = 'no'
    if (again === 'no') this.end()
    else if (again === 'same') this.sendTo(this.member!, this.cluster.services.world.now(), true)
    else this.rest()
  }

  // As the worker, in the queue and between tries.

  clientReady(): void {}

  clientGone(): void {
    this.end()
  }

  /** Whether the failed try is followed by another, which is then arranged. */
  private repeats(error: TurnpikeError, repeatable: boolean): boolean {
    const { retries } = this.cluster
    if (retries === null) {
      if (!repeatable || this.retries >= this.cluster.members.length - 1) return false
    } else if (!retries.coversError(error) || !this.mayRepeat(repeatable)) {
      return false
    }
    this.followUp(error.code, 'other')
    return true
  }

  /** `unsent`: no byte of the request can have been acted on. */
  private mayRepeat(unsent: boolean): boolean {
    const { exchange, cluster } = this
    const retries = cluster.retries!
    if (this.retries >= retries.maxRetries) return false
    // H19: what may have been acted on is repeated by its method alone, and only while all of it is still at hand.
    if (!unsent && (exchange.body !== null || !retries.repeats(exchange.method))) return false
    return retries.budget.take(cluster.services.world.now())
  }

  private followUp(cause: string, where: 'same' | 'other'): void {
    this.again = where
    if (where === 'other') this.retries++
    noteFailure(this.exchange, cause, this.cluster.services.world.now())
  }

  private rest(): void {
    const { retries, services } = this.cluster
    const waitMs = retries === null ? 0 : retries.backOffMs(this.retries, services.world.random())
    if (waitMs === 0) return this.send(services.world.now())
    this.state = 'resting'
    this.exchange.client.worker = this
    this.arm('backOff', waitMs)
  }

  private send(now: number): void {
    const { cluster, exchange } = this
    const member = cluster.place(exchange, now)
    if (member !== null) return this.sendTo(member, now, exchange.failedAttempts !== null)
    this.end()
    exchange.fail(cluster.refusal(now))
  }

  private sendTo(member: Member, now: number, fresh: boolean): void {
    const { exchange, cluster } = this
    this.member = member
    this.trial = member.breaker !== null && member.breaker.begin(now)
    this.judged = false
    this.state = 'trying'
    const perTryMs = cluster.retries?.perTryMs ?? 0
    if (perTryMs > 0) this.arm('try', perTryMs)
    member.send(exchange, fresh, this)
  }

  private judge(succeeded: boolean): void {
    if (this.judged) return
    this.judged = true
    this.member!.breaker?.record(succeeded, this.trial, this.cluster.services.world.now())
  }

  private expired(name: TimerName): void {
    const { state } = this
    if (name === 'total') return this.giveUp(new TurnpikeError('ERR_TOTAL_TIMEOUT', { phase: this.phase() }))
    if (name === 'queue' && state === 'queued') return this.refuse('ERR_QUEUE_TIMEOUT')
    if (name === 'backOff' && state === 'resting') {
      this.release()
      return this.send(this.cluster.services.world.now())
    }
    if (name === 'try' && state === 'trying') this.tryTimedOut()
  }

  private tryTimedOut(): void {
    const error = new TurnpikeError('ERR_TRY_TIMEOUT')
    this.member!.failed(error)
    this.judge(false)
    if (this.repeats(error, false)) this.stopWorker(error)
    else this.giveUp(error)
  }

  /** Ends it from this side, whoever works on it. */
  private giveUp(error: TurnpikeError): void {
    const { exchange } = this
    if (this.state !== 'replying') this.stopWorker(error)
    exchange.fail(error)
    this.end()
  }

  private stopWorker(error: TurnpikeError): void {
    const { client } = this.exchange
    const { worker } = client
    client.worker = null
    worker?.clientGone(error)
  }

  private refuse(code: 'ERR_QUEUE_FULL' | 'ERR_QUEUE_TIMEOUT'): void {
    const { exchange, cluster } = this
    exchange.queuedMs = cluster.services.world.now() - this.queuedAt
    this.release()
    this.end()
    const seconds = Math.ceil(cluster.admission!.options.queueTimeout / 1000)
    exchange.fail(new TurnpikeError(code, { fields: [['Retry-After', String(seconds)]] }))
  }

  /** It is not this one that works on the exchange any more. */
  private release(): void {
    this.cluster.services.timers.remove(this.step)
    const { client } = this.exchange
    if (client.worker === this) client.worker = null
  }

  private end(): void {
    if (this.state === 'over') return
    this.state = 'over'
    const { services, admission } = this.cluster
    services.timers.remove(this.step)
    if (this.total !== null) services.timers.remove(this.total)
    if (admission === null) return
    if (this.inside) admission.leave()
    else admission.withdraw(this)
  }

  private arm(name: TimerName, delayMs: number): void {
    const { timers, world } = this.cluster.services
    timers.set(this.step, name, world.now(), delayMs)
  }

  private phase(): TurnpikeError['phase'] {
    if (this.state === 'replying') return 'body'
    return this.state === 'trying' && this.exchange.connectedAt > 0 ? 'first-byte' : 'dial'
  }
}
