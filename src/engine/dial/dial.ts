import { TurnpikeError } from '../../core/error.ts'
import type { AddressGuard } from './address-guard.ts'
import { dialError } from './dial-error.ts'
import { Dialled, type AttemptOwner } from './dialled.ts'
import type { Parent, ParentRoute } from './parent.ts'
import { TunnelOpening } from './tunnel-opening.ts'
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
  /**
   * Which addresses may be connected to (F8). Default: all of them. Behind parents, which resolve names themselves,
   * what this machine knows of the target is checked; the parents are the config's own choice.
   */
  guard?: AddressGuard | null
  /** The parents to go through. Default: none. A Unix socket is never reached through any. */
  via?: ParentRoute | null
  /**
   * Whether the target may speak before it is spoken to, as SSH servers do: what comes behind a parent's answer is the
   * target's then (F3). Default: false, since no answer can come before its question.
   */
  serverFirst?: boolean
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
  /** The parents on the way, the nearest one first. */
  private readonly parents: readonly Parent[]
  /** Parents that have opened their tunnel. */
  private passed = 0
  /** An attempt stands: there is no race any more. */
  private settled = false
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
    this.parents = target.kind === 'unix' ? [] : (options.via?.to(target.host) ?? [])
    ledger.enter('dials')
  }

  start(): void {
    const { target, world } = this
    this.wheel.set(this.deadline, 'connect', world.now(), this.options.connectMs)
    const [nearest] = this.parents
    if (nearest === undefined) return this.resolve(target, (_, addresses) => this.connect(addresses))
    if ((this.options.guard ?? null) === null) return this.reach(nearest)
    this.resolve(
      target,
      (error, addresses) => {
        // A name that only the parent can resolve is the parent's to guard.
        if (error !== null || addresses.every((address) => this.isAllowed(address))) this.reach(nearest)
        else this.forbid()
      },
      true,
    )
  }

  private reach({ host, port }: Parent): void {
    this.resolve({ kind: 'tcp', host, port }, (_, addresses) => {
      this.addresses = addresses
      this.tryNext()
    })
  }

  /** Fails where the name has no address, unless that is `optional`. */
  private resolve(
    target: DialTarget,
    done: (error: TurnpikeError | null, addresses: DialAddress[]) => void,
    optional = false,
  ): void {
    if (target.kind === 'unix' || isAddress(target.host)) return done(null, [target])
    this.resolving = true
    this.world.resolve(target.host, (cause, found) => {
      if (this.over) return
      this.resolving = false
      if (cause === null && found.length > 0)
        return done(
          null,
          interleaved(found).map(({ address }) => ({ kind: 'tcp', host: address, port: target.port })),
        )
      const error = new TurnpikeError('ERR_DNS', { cause: cause ?? new Error('the name has no address') })
      if (optional) done(error, [])
      else this.fail(error)
    })
  }

  cancel(): void {
    if (!this.over) this.finish(null)
  }

  attemptConnected(attempt: Dialled): void {
    if (this.settled) return attempt.abandon()
    this.settled = true
    this.keepOnly(attempt)
    this.advance(attempt)
  }

  /** Through the next parent, or at the target: there TLS comes last. */
  private advance(attempt: Dialled): void {
    const parent = this.parents[this.passed]
    if (parent === undefined) return this.arrive(attempt)
    if (parent.tls === null) return this.tunnel(attempt, parent)
    attempt.secure(parent.tls, parent.host, parent.port, {
      secured: () => this.tunnel(attempt, parent),
      failed: (error) => this.fail(error),
    })
  }

  private tunnel(attempt: Dialled, parent: Parent): void {
    if (this.over) return
    this.passed++
    const target = this.parents[this.passed] ?? this.target
    // A Unix socket has no parents.
    if ('kind' in target && target.kind === 'unix') return
    new TunnelOpening(attempt, parent, target, {
      opened: (early) => {
        if (this.over) return
        if (early !== null) {
          // Whoever is to be spoken to by a handshake does not speak first.
          if (this.passed < this.parents.length || this.options.tls !== null || this.options.serverFirst !== true)
            return this.fail(
              new TurnpikeError('ERR_PARENT_PROTOCOL', {
                message: `The parent ${parent.name}: it says more than it was asked.`,
              }),
            )
          attempt.unread(early)
        }
        this.advance(attempt)
      },
      failed: (error) => this.fail(error),
    }).start()
  }

  private arrive(attempt: Dialled): void {
    const { tls } = this.options
    if (tls === null) return this.succeed(attempt)
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
    this.addresses = addresses.filter((address) => this.isAllowed(address))
    if (this.addresses.length > 0) this.tryNext()
    else this.forbid()
  }

  private isAllowed(address: DialAddress): boolean {
    const guard = this.options.guard ?? null
    return guard === null || (address.kind === 'tcp' && guard.allows(address.host, address.port))
  }

  private forbid(): void {
    const { target } = this
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
