import type { CidrSet } from '../../../core/address.ts'
import { TurnpikeError } from '../../../core/error.ts'
import type { Exchange } from '../../../engine/exchange.ts'
import { unixPeer } from '../../../engine/listen/peer-facts.ts'
import type { Session } from '../../../engine/session.ts'
import type { ForwardConfig } from '../config.ts'
import type { ForwardDoorOptions } from '../forward-door.ts'
import { LocalAddresses } from '../local-addresses.ts'
import type { Access } from './access.ts'
import { ClientConnections } from './client-connections.ts'
import { ClientTraffic } from './client-traffic.ts'
import { hideLogin, ProxyLogin } from './proxy-login.ts'

export type ForwardAccessOptions = Pick<ForwardDoorOptions, 'config' | 'listeners' | 'services' | 'scope'>

/** Whom one listener serves. */
interface Admission {
  login: ProxyLogin | null
  allowFrom: CidrSet | null
}

/** One for all: a flood is refused without a stack being taken down each time. */
const denied = new TurnpikeError('ERR_IP_DENIED')
const outsider = new TurnpikeError('ERR_IP_DENIED', {
  message: 'Without a login, and without `allowFrom`, this proxy serves its own machine alone.',
})
/** A connection lives on where its listener was given another name: whom that one serves is not asked of it. */
const unknownListener = new TurnpikeError('ERR_IP_DENIED', { message: 'The listener is no longer in the config.' })
const tooMany = new TurnpikeError('ERR_CLIENT_CONNECTIONS')

/** Who may use the proxy, and how much, as the config says. Throws ERR_CONFIG_INVALID for a hash that is none. */
export class ForwardAccess implements Access {
  private readonly admissions: ReadonlyMap<string, Admission>
  private readonly limits: ForwardConfig['limits']
  private readonly connections: ClientConnections
  private readonly traffic: ClientTraffic | null
  private readonly local: LocalAddresses

  constructor({ config, listeners, services, scope }: ForwardAccessOptions) {
    const { world } = services
    const usual = (config.auth ?? null) === null ? null : new ProxyLogin(config.auth!, 'forward.auth', scope, world)
    this.admissions = new Map(
      [...listeners].map(([name, { auth, allowFrom }]) => {
        const own = (): ProxyLogin | null =>
          auth === null ? null : new ProxyLogin(auth!, `listeners.${name}.auth`, scope, world)
        return [name, { login: auth === undefined ? usual : own(), allowFrom: allowFrom ?? null }]
      }),
    )
    const { bytesPerClient, bandwidthPerClient } = config.limits
    this.limits = config.limits
    this.local = new LocalAddresses(world)
    // What clients have used up outlives a reload that does not change how it is counted.
    this.connections = scope.shared('forward connections', () => new ClientConnections())
    this.traffic =
      bytesPerClient === null && bandwidthPerClient === null
        ? null
        : scope.shared(
            `forward traffic ${JSON.stringify([bytesPerClient, bandwidthPerClient])}`,
            () => new ClientTraffic({ bytesPerClient, bandwidthPerClient }, world),
          )
  }

  refusalOf(session: Session): TurnpikeError | null {
    const admission = this.admissions.get(session.listener)
    if (admission === undefined) return unknownListener
    const { allowFrom, login } = admission
    if (isUnix(session)) return null
    const { clientAddress } = session
    if (allowFrom !== null && !allowFrom.has(clientAddress)) return denied
    // Whatever it is bound to: packets can be led to a loopback address too.
    if (allowFrom === null && login === null && !this.isFromHere(session)) return outsider
    return this.connections.add(clientAddress, this.limits.connectionsPerClient) ? null : tooMany
  }

  closed(session: Session): void {
    if (!isUnix(session)) this.connections.remove(session.clientAddress)
  }

  wantsLogin(session: Session): boolean {
    const admission = this.admissions.get(session.listener)
    return admission === undefined || (admission.login !== null && admission.login.certified(session) === '')
  }

  login(session: Session, username: string, password: string): string | null | Promise<string | null> {
    return this.admissions.get(session.listener)?.login?.userBy(username, password) ?? null
  }

  admit(exchange: Exchange, admitted: () => void): void {
    const { headers, session } = exchange
    const admission = this.admissions.get(session.listener)
    if (admission === undefined) {
      hideLogin(headers)
      exchange.fail(unknownListener)
      return
    }
    const { login } = admission
    let user: string | null | Promise<string | null> = ''
    if (login !== null) {
      const certified = login.certified(session)
      // What is no HTTP has logged in before it asked.
      if (certified !== '') user = certified
      else user = exchange.protocol.startsWith('HTTP') ? login.userOf(headers) : exchange.user || null
    }
    hideLogin(headers)
    if (!(user instanceof Promise)) {
      this.enter(exchange, user, login, admitted)
      return
    }
    user
      .then((found) => this.enter(exchange, found, login, admitted))
      .catch((error: unknown) => exchange.fail(TurnpikeError.from(error, 'middleware')))
  }

  private enter(exchange: Exchange, user: string | null, login: ProxyLogin | null, admitted: () => void): void {
    // Its client may have gone while a password was looked at.
    if (exchange.finishedAt !== 0) return
    if (user === null) {
      exchange.fail(login!.refusal)
      return
    }
    exchange.user = user
    if (this.traffic !== null && !isUnix(exchange.session)) {
      const refusal = this.traffic.refusalOf(exchange.clientAddress)
      if (refusal !== null) {
        exchange.fail(refusal)
        return
      }
      exchange.meter = this.traffic.meter(exchange)
    }
    admitted()
  }

  /** From this machine, and not through a balancer that says it stands for another. */
  private isFromHere({ clientAddress, peerAddress }: Session): boolean {
    return this.local.has(clientAddress) && (clientAddress === peerAddress || this.local.has(peerAddress))
  }
}

/** Who may open a socket file, its mode says; and there is no address to tell clients by. */
function isUnix({ clientAddress, peerAddress }: Session): boolean {
  return clientAddress === unixPeer && peerAddress === unixPeer
}
