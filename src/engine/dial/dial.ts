import { TurnpikeError } from '../../core/error.ts'
import type { AddressGuard } from './address-guard.ts'
import { dialError } from './dial-error.ts'
import { Dialled, type AttemptOwner } from './dialled.ts'
import type { Ledger } from '../ledger.ts'
import { Deadline, type TimerName, type TimerWheel } from '../timers.ts'
import type { UpstreamSecurity } from '../tls/upstream-security.ts'
import type { DialAddress, ResolvedAddress, World } from '../world.ts'

/** Where to: `host` may be a name, an IPv4 or an IPv6 address without brackets. */
export type DialTarget = DialAddress

export interface DialOptions {
  /** For resolving and connecting together, over all addresses. */
  connectMs: number
  /** Null for plain TCP. */
  tls: UpstreamSecurity | null
  /** For the handshake. */
  tlsMs: number
  /** Which addresses may be connected to (F8). Default: all of them. */
  guard?: AddressGuard | null
}

/** One of the two is called once, never before `dial` returns unless the address is known to fail. */
export interface DialResult {
  /** `connection.attach` before returning. */
  connected(connection: Dialled): void
  failed(error: TurnpikeError): void
}

export interface DialHandle {
  /** Gives up at any phase; nothing is called any more. Harmless once it is over. */
  cancel(): void
}

/** RFC 8305 §5: Connection Attempt Delay. */
const ATTEMPT_DELAY_MS = 250

/** The one place where outgoing connections are made. */
export class Dialler {
  private readonly world: World
  private readonly wheel: TimerWheel
  private readonly ledger: Ledger

  constructor(world: World, wheel: TimerWheel, ledger: Ledger) {
    this.world = world
    this.wheel = wheel
    this.ledger = ledger
  }

  /** Resolves, connects to the fastest address (RFC 8305), secures. */
  dial(target: DialTarget, options: DialOptions, result: DialResult): DialHandle {
    const dial = new Dial(this.world, this.wheel, this.ledger, target, options, result)
    dial.start()
    return dial
  }
}

class Dial implements DialHandle, AttemptOwner {
  private readonly world: World
  private readonly wheel: TimerWheel
  private readonly ledger: Ledger
  private readonly target: DialTarget
  private readonly options: DialOptions
  private readonly result: DialResult
  private readonly deadline = new Deadline((name) => this.expired(name))
  private readonly attemptDelay = new Deadline(() => this.tryNext())
  private readonly attempts: Dialled[] = []
  private addresses: DialAddress[] = []
  private resolving = false
  private securing = false
  private over = false
  private lastError: TurnpikeError | null = null

  constructor(
    world: World,
    wheel: TimerWheel,
    ledger: Ledger,
    target: DialTarget,
    options: DialOptions,
    result: DialResult,
  ) {
    this.world = world
    this.wheel = wheel
    this.ledger = ledger
    this.target = target
    this.options = options
    this.result = result
    ledger.enter('dials')
  }

  start(): void {
    const { target, world } = this
    this.wheel.set(this.deadline, 'connect', world.now(), this.options.connectMs)
    if (target.kind === 'unix' || isAddress(target.host)) {
      return this.connect([target])
    }
    this.resolving = true
    world.resolve(target.host, (error, found) => {
      if (this.over) return
      this.resolving = false
      if (error !== null || found.length === 0) {
        const cause = error ?? new Error('the name has no address')
        return this.fail(new TurnpikeError('ERR_DNS', { cause }))
      }
      this.connect(interleaved(found).map(({ address }) => ({ kind: 'tcp', host: address, port: target.port })))
    })
  }

  cancel(): void {
    if (!this.over) this.finish(null)
  }

  attemptConnected(attempt: Dialled): void {
    if (this.securing) return attempt.abandon()
    const { tls } = this.options
    this.keepOnly(attempt)
    if (tls === null) return this.succeed(attempt)
    this.securing = true
    this.wheel.set(this.deadline, 'tls', this.world.now(), this.options.tlsMs)
    const { target } = this
    const [host, port] = target.kind === 'tcp' ? [target.host, target.port] : [target.path, 0]
    attempt.secure(tls, host, port, {
      secured: (version) => {
        attempt.tlsVersion = version
        this.succeed(attempt)
      },
      failed: (error) => this.fail(error),
    })
  }

  attemptFailed(attempt: Dialled, error: Error): void {
    if (this.over) return
    this.attempts.splice(this.attempts.indexOf(attempt), 1)
    attempt.abandon()
    this.lastError = dialError(error)
    // RFC 8305 §5: a failure starts the next attempt at once.
    if (this.addresses.length > 0) this.tryNext()
    else if (this.attempts.length === 0) this.fail(this.lastError)
  }

  /** Only to what the guard allows: the very address that was checked is the one that is dialled. */
  private connect(addresses: DialAddress[]): void {
    const { target, options } = this
    const guard = options.guard ?? null
    this.addresses = guard === null ? addresses : addresses.filter((address) => isAllowed(guard, address))
    if (this.addresses.length > 0) return this.tryNext()
    const host = target.kind === 'tcp' ? target.host : target.path
    this.fail(new TurnpikeError('ERR_ADDRESS_FORBIDDEN', { message: `${host} must not be connected to from here.` }))
  }

  private tryNext(): void {
    const address = this.addresses.shift()
    if (address === undefined) return
    const attempt = new Dialled(address, this, this.ledger)
    this.attempts.push(attempt)
    attempt.socket = this.world.dial(address, attempt)
    if (this.addresses.length > 0) this.wheel.set(this.attemptDelay, 'connect', this.world.now(), ATTEMPT_DELAY_MS)
  }

  private expired(name: TimerName): void {
    if (this.over) return
    if (name === 'tls') this.fail(new TurnpikeError('ERR_TLS_TIMEOUT'))
    else this.fail(new TurnpikeError(this.resolving ? 'ERR_DNS_TIMEOUT' : 'ERR_CONNECT_TIMEOUT'))
  }

  private succeed(attempt: Dialled): void {
    if (this.over) return
    this.finish(attempt)
    this.result.connected(attempt)
  }

  private fail(error: TurnpikeError): void {
    if (this.over) return
    this.finish(null)
    this.result.failed(error)
  }

  private finish(kept: Dialled | null): void {
    this.over = true
    this.wheel.remove(this.deadline)
    this.keepOnly(kept)
    this.ledger.strike('dials')
  }

  private keepOnly(kept: Dialled | null): void {
    this.wheel.remove(this.attemptDelay)
    this.addresses = []
    for (const attempt of this.attempts.splice(0)) if (attempt !== kept) attempt.abandon()
    if (kept !== null) this.attempts.push(kept)
  }
}

function isAllowed(guard: AddressGuard, address: DialAddress): boolean {
  return address.kind === 'tcp' && guard.allows(address.host, address.port)
}

/** An IPv4 address, or an IPv6 one, by the characters that no name has. */
function isAddress(host: string): boolean {
  return host.includes(':') || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host)
}

/** RFC 8305 §4: families take turns, the system's order within each; its first one goes first. */
function interleaved(found: ResolvedAddress[]): ResolvedAddress[] {
  const first = found.filter(({ family }) => family === found[0]!.family)
  const second = found.filter(({ family }) => family !== found[0]!.family)
  return Array.from({ length: Math.max(first.length, second.length) }, (_, at) => [first[at], second[at]])
    .flat()
    .filter((address) => address !== undefined)
}
