import type { LeafSource } from '../../certs/leaf-source.ts'
import type { CidrSet } from '../../core/address.ts'
import { canonicalHost } from '../../core/canonical-host.ts'
import { TurnpikeError } from '../../core/error.ts'
import type { LoginConfig } from '../../core/login-schema.ts'
import type { AddressGuard } from '../../engine/dial/address-guard.ts'
import type { Parents } from '../../engine/dial/parents.ts'
import type { Exchange } from '../../engine/exchange.ts'
import type { HttpListenerConfig } from '../../engine/http1/listener-http.ts'
import { countForwards } from '../../engine/http1/max-forwards.ts'
import type { Destination } from '../../engine/proxy/destination.ts'
import type { ProxyDoor } from '../../engine/proxy/proxy-door.ts'
import type { Scope } from '../../engine/scope.ts'
import type { EngineServices } from '../../engine/services.ts'
import type { Session } from '../../engine/session.ts'
import type { BindAddress } from '../../engine/world.ts'
import type { Access } from './access/access.ts'
import { ForwardAccess } from './access/forward-access.ts'
import type { ForwardConfig } from './config.ts'
import { findAddresses } from './find-addresses.ts'
import { ForwardGuard } from './guard.ts'
import { TlsInterceptor } from './intercept/tls-interceptor.ts'
import { LocalPages } from './local/local-pages.ts'
import type { Passage } from './passage.ts'
import { isInPorts } from './port-ranges.ts'
import { PlainForwarder } from './plain/plain-forwarder.ts'
import { PlainOrigins, type PlainOrigin } from './plain/plain-origin.ts'
import { isAddress } from './rules/rule.ts'
import { RuleTable } from './rules/rule-table.ts'
import type { Asked, Verdict } from './rules/verdict.ts'
import { TunnelOpener } from './tunnel/tunnel-opener.ts'
import { UdpAssociations } from './udp/udp-associations.ts'

/** What a listener of the proxy says of its clients. */
export interface ProxyListener extends HttpListenerConfig {
  mode: 'proxy' | 'sni' | 'redirect' | 'tproxy'
  /** Undefined: as the door says. */
  auth?: LoginConfig | null | undefined
  /** Undefined: from anywhere. */
  allowFrom?: CidrSet | undefined
  /** Undefined: plain text alone. */
  tls?: object | undefined
}

export interface ForwardDoorOptions {
  config: ForwardConfig
  /** Those with `door: forward`, by name. */
  listeners: ReadonlyMap<string, ProxyListener>
  services: EngineServices
  /** This instance's name in `Via`, '' for no `Via`. */
  via: string
  parents: Parents
  passage: Passage
  /** Certificates for the tunnels that are looked into; null without `intercept`. */
  leaves: LeafSource | null
  /** All that is listened on now, the admin address among it: no client is to be led there (F8). */
  ownAddresses: () => readonly BindAddress[]
  /** Its generation's. State that outlives a reload is asked for by key. */
  scope: Scope
  /** Told what fails that no request tells. */
  report: (error: unknown) => void
}

/** The forward proxy: requests and tunnels of one's own clients to wherever they say, as far as the rules allow. */
export class ForwardDoor implements ProxyDoor {
  private readonly options: ForwardDoorOptions
  private readonly access: Access
  private readonly rules: RuleTable
  private readonly origins = new PlainOrigins()
  private readonly plain: PlainForwarder
  private readonly tunnels: TunnelOpener
  private readonly datagrams: UdpAssociations
  private readonly pages: LocalPages

  constructor(options: ForwardDoorOptions) {
    const { config, listeners, parents, ownAddresses, services } = options
    this.options = options
    this.rules = new RuleTable(config, parents)
    this.access = new ForwardAccess(options)
    this.pages = new LocalPages({
      pac: config.pac,
      hasTls: (listener) => listeners.get(listener)?.tls !== undefined,
      wantsLogin: (session) => this.access.wantsLogin(session),
    })
    const guard = new ForwardGuard({ config: config.guard, ownAddresses, world: services.world })
    this.plain = new PlainForwarder({ ...options, guard })
    this.datagrams = new UdpAssociations({ ...options, rules: this.rules, guard })
    this.tunnels = new TunnelOpener({ ...options, guard, interceptor: interceptorOf(options, guard) })
  }

  /** Throws what the client did wrong. */
  handle(exchange: Exchange): void {
    this.options.passage.enter(exchange)
    if (exchange.destination !== null)
      return this.access.admit(exchange, () => this.tunnel(exchange, exchange.destination!))
    // RFC 9113 §8.5: a tunnel by HTTP/2 would be one of its streams.
    if (exchange.method === 'CONNECT')
      throw new TurnpikeError('ERR_CONNECT_NOT_ALLOWED', { message: 'Ask for tunnels by HTTP/1.1.' })
    const slash = exchange.target.charCodeAt(0) === SLASH || exchange.target === '*'
    const isCaptured = slash && this.captures(exchange.session)
    if (slash && !isCaptured) return this.here(exchange)
    const { origin, pathAt } = isCaptured ? this.capturedOrigin(exchange) : this.origins.of(exchange.target)
    setPath(exchange, pathAt)
    this.access.admit(exchange, () => this.request(exchange, origin))
  }

  /** Whether its connections were on their way to somewhere else, whose clients know of no proxy. */
  private captures({ listener }: Session): boolean {
    const mode = this.options.listeners.get(listener)?.mode
    return mode === 'redirect' || mode === 'tproxy'
  }

  /** The host that the request names, at the port that its connection was going to. */
  private capturedOrigin({ host, session }: Exchange): { origin: PlainOrigin; pathAt: number } {
    const name = host === '' ? session.localAddress : host
    const shown = name.includes(':') && !name.startsWith('[') ? `[${name}]` : name
    return { origin: this.origins.of(`http://${shown}:${session.localPort}`).origin, pathAt: 0 }
  }

  /** What names no other host: for everybody, since browsers ask for the PAC file before they log in (F5). */
  private here(exchange: Exchange): void {
    setPath(exchange, 0)
    this.options.passage.pass(exchange, -1, () => this.pages.answer(exchange))
  }

  refusalOf(session: Session): TurnpikeError | null {
    return this.access.refusalOf(session)
  }

  closed(session: Session): void {
    this.access.closed(session)
  }

  wantsLogin(session: Session): boolean {
    return this.access.wantsLogin(session)
  }

  login(session: Session, username: string, password: string): string | null | Promise<string | null> {
    return this.access.login(session, username, password)
  }

  /** Whether metrics have series of this name: a rule's. */
  isRoute(name: string): boolean {
    return this.rules.has(name)
  }

  /** A request with an absolute target. */
  private request(exchange: Exchange, origin: PlainOrigin): void {
    const stopped = countForwards(exchange)
    if (stopped !== null) return exchange.reply(stopped)
    this.ask(exchange, origin, '', (asked) => {
      const verdict = this.rules.decide(asked)
      this.follow(exchange, verdict, () => this.plain.forward(exchange, origin, verdict))
    })
  }

  private tunnel(exchange: Exchange, destination: Destination): void {
    const { kind, host, port, address } = destination
    // Where to is said by each datagram, and decided for each.
    if (kind === 'udp') return this.options.passage.pass(exchange, -1, () => this.datagrams.open(exchange))
    const { connectPorts, socksPorts } = this.options.config
    const ports = kind === 'connect' ? connectPorts : kind === 'socks4' || kind === 'socks5' ? socksPorts : 'any'
    if (!isInPorts(port, ports))
      throw new TurnpikeError('ERR_PORT_FORBIDDEN', { message: `Tunnels to port ${port} are not allowed here.` })
    if (address === null || isAddress(host)) return this.open(exchange, destination)
    const { services, config } = this.options
    findAddresses(exchange, host, services, config.timeouts.connect, (addresses) =>
      this.open(exchange, agreeing(destination, addresses)),
    )
  }

  private open(exchange: Exchange, destination: Destination): void {
    const { hello } = destination
    this.ask(exchange, destination, hello === null ? null : hello.sni, (asked) => {
      const verdict = this.rules.decide(asked)
      this.follow(exchange, verdict, () =>
        this.tunnels.open(exchange, destination, verdict, (sni) => this.decideAgain(exchange, { ...asked, sni })),
      )
    })
  }

  /** With its addresses, where a rule asks for them; at once where they are known. */
  private ask(
    exchange: Exchange,
    { host, port, address = null }: { host: string; port: number; address?: string | null },
    sni: string | null,
    then: (asked: Asked) => void,
  ): void {
    const { services, config } = this.options
    const { user, clientAddress, startedWall } = exchange
    const found = (addresses: readonly string[]): void =>
      then({ host, port, addresses, sni, user, clientAddress, wallMs: startedWall })
    // Where a captured connection was going is known, whatever its ClientHello says.
    if (address !== null) found([address])
    else if (this.rules.wantsAddresses) findAddresses(exchange, host, services, config.timeouts.connect, found)
    else found([])
  }

  /** With what its ClientHello says. Throws why it is refused: see `Redecide`. */
  private decideAgain(exchange: Exchange, asked: Asked): Verdict {
    const verdict = this.rules.decide(asked)
    if (verdict.name !== exchange.route) this.name(exchange, verdict)
    if (verdict.deny) throw denied(verdict.name)
    if (!this.rules.refusesNames(asked, verdict)) return verdict
    throw new TurnpikeError('ERR_SNI_MISMATCH', { message: `The ClientHello names ${asked.sni}, not ${asked.host}.` })
  }

  private name(exchange: Exchange, { name }: Verdict): void {
    exchange.route = name
    this.options.services.observer.routed(exchange)
  }

  private follow(exchange: Exchange, verdict: Verdict, handler: () => void): void {
    const { name, rule, deny } = verdict
    this.name(exchange, verdict)
    // What is denied passes too: middleware may say so in its own words.
    this.options.passage.pass(exchange, rule, deny ? () => exchange.fail(denied(name)) : handler)
  }
}

/** RFC 9110 §7.7: path and query are passed on as they are, but that an empty path is `/`, or `*` for OPTIONS (RFC 9112 §3.2). */
function setPath(exchange: Exchange, pathAt: number): void {
  const { target, method } = exchange
  const queryAt = target.indexOf('?', pathAt)
  const path = queryAt < 0 ? target.slice(pathAt) : target.slice(pathAt, queryAt)
  exchange.query = queryAt < 0 ? '' : target.slice(queryAt)
  exchange.path = path !== '' ? path : method === 'OPTIONS' && queryAt < 0 ? '*' : '/'
}

/** Who looks into tunnels, where the config says how. */
function interceptorOf(options: ForwardDoorOptions, guard: AddressGuard): TlsInterceptor | null {
  const { config, leaves } = options
  const { intercept } = config
  return intercept === undefined || leaves === null
    ? null
    : new TlsInterceptor({ ...options, intercept, leaves, guard })
}

/**
 * T4: where a captured connection was going is dialled only where it is one of the addresses of the name in its
 * ClientHello, by which the rules decide; else the name is.
 */
function agreeing(destination: Destination, addresses: readonly string[]): Destination {
  return addresses.some((each) => canonicalHost(each) === destination.address)
    ? destination
    : { ...destination, address: null }
}

function denied(name: string): TurnpikeError {
  return new TurnpikeError('ERR_RULE_DENIED', {
    message: `${name === 'default' ? 'The default' : `The rule ${name}`} of this proxy denies it.`,
  })
}

const SLASH = 0x2f
