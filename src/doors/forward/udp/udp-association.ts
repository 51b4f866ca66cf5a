import { canonicalHost } from '../../../core/canonical-host.ts'
import { TurnpikeError } from '../../../core/error.ts'
import { Headers } from '../../../core/headers.ts'
import type { ExchangeWorker, TakenConnection } from '../../../engine/client-port.ts'
import { dialError } from '../../../engine/dial/dial-error.ts'
import type { Exchange, OpenTunnel } from '../../../engine/exchange.ts'
import { cutSocket } from '../../../engine/http1/cut-socket.ts'
import { Deadline } from '../../../engine/timers.ts'
import type { UdpAddress, UdpEvents, UdpSocket } from '../../../engine/world.ts'
import { readSocksDatagram, socksDatagramHead } from '../../../wire/socks/socks-datagram.ts'
import { isInPorts } from '../port-ranges.ts'
import { isAddress } from '../rules/rule.ts'
import { DroppedDatagrams, type DropReason } from './dropped-datagrams.ts'
import type { UdpOptions } from './udp-associations.ts'

/** Who was sent to of late: only they are listened to. */
const MAX_PEERS = 256
/** Datagrams whose names are being resolved. */
const MAX_WAITING = 16
/** What the system has not sent yet. */
const MAX_QUEUED_BYTES = 1024 * 1024

/**
 * Datagrams of one client, as it has asked for by UDP ASSOCIATE (S3): one socket faces the client, one of each family
 * the world. Rules, ports and guard are asked for each datagram. It ends with the connection that it was asked on.
 */
export class UdpAssociation implements OpenTunnel, ExchangeWorker {
  private readonly exchange: Exchange
  private readonly options: UdpOptions
  private readonly ended: () => void
  /** Port 0 until it has sent, where it did not announce one. */
  private readonly client: UdpAddress
  private readonly deadline = new Deadline(() =>
    this.close(new TurnpikeError('ERR_STALL_TIMEOUT', { phase: 'tunnel' })),
  )
  private readonly outer = new Map<4 | 6, UdpSocket>()
  /** Address and port, those sent to last behind the others. */
  private readonly peers = new Set<string>()
  private readonly dropped = new DroppedDatagrams()
  private inner: UdpSocket | null = null
  private taken: TakenConnection | null = null
  private waiting = 0
  private upFrom = 0
  private downFrom = 0
  private over = false

  /** `ended` is called once, when it is over. */
  constructor(exchange: Exchange, options: UdpOptions, ended: () => void) {
    this.ended = ended
    this.exchange = exchange
    this.options = options
    this.client = { address: exchange.session.clientAddress, port: exchange.destination?.port ?? 0 }
  }

  /** `localAddress`: where the client can send to. */
  open(localAddress: string): void {
    this.exchange.client.worker = this
    this.inner = this.bind(localAddress, {
      ready: () => this.grant(),
      failed: (error) => this.close(dialError(error)),
      received: (data, from) => this.fromClient(data, from),
    })
  }

  cut(error: TurnpikeError): void {
    this.close(error)
  }

  clientGone(error: TurnpikeError): void {
    this.close(error)
  }

  clientReady(): void {}

  private bind(address: string, events: UdpEvents): UdpSocket {
    const { ledger, world } = this.options.services
    ledger.enter('datagramSockets')
    return world.bindUdp({ address, port: 0 }, events)
  }

  private unbind(socket: UdpSocket): void {
    this.options.services.ledger.strike('datagramSockets')
    socket.close()
  }

  private grant(): void {
    const { exchange } = this
    const { services } = this.options
    // It was failed meanwhile.
    if (exchange.finishedAt > 0) return this.close(null)
    exchange.client.worker = null
    exchange.connectedAt = services.world.now()
    exchange.tunnel = this
    services.ledger.enter('tunnels')
    const taken = (this.taken = exchange.client.takeOver(200, '', new Headers(), this.inner!.address()))
    const { socket } = taken
    // Nothing is to come on it but its end.
    socket.on('data', ignore)
    socket.on('end', () => this.close(null))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.close(new TurnpikeError('ERR_CLIENT_ABORT', { phase: 'tunnel' })))
    if (taken.inputEnded) return this.close(null)
    socket.resume()
    this.moved()
  }

  private fromClient(data: Buffer, from: UdpAddress): void {
    const { client, exchange } = this
    if (from.address !== client.address || (client.port !== 0 && from.port !== client.port))
      return this.drop('stranger')
    const head = readSocksDatagram(data)
    const host = head === null ? null : canonicalHost(head.host)
    if (head === null || host === null || head.port === 0) return this.drop('unreadable')
    client.port = from.port
    const now = this.moved()
    if (now < this.upFrom) return this.drop('busy')
    const payload = data.subarray(head.end)
    this.upFrom = now + (exchange.meter?.moved(payload.length, 'up') ?? 0)
    this.decide(host, head.port, payload)
  }

  private decide(host: string, port: number, data: Buffer): void {
    const { config, rules, services } = this.options
    const { user, clientAddress } = this.exchange
    const decided = (addresses: readonly string[]): void => {
      const wallMs = services.world.wallClock()
      const verdict = rules.decide({ host, port, addresses, sni: '', user, clientAddress, wallMs })
      const to = verdict.redirectTo ?? { host, port }
      // What is to be looked into does not pass unread: QUIC gives way to TLS.
      if (verdict.deny || verdict.intercept) this.drop('rule')
      else if (verdict.via !== null && verdict.via.to(to.host).length > 0) this.drop('parent')
      else this.resolve(to.host, (found) => this.send(found, to.port, data))
    }
    if (!isInPorts(port, config.socksPorts)) this.drop('port')
    else if (rules.wantsAddresses) this.resolve(host, decided)
    else decided([])
  }

  /** Names are asked for each time: the world remembers them for as long as they may be. */
  private resolve(host: string, done: (addresses: readonly string[]) => void): void {
    if (isAddress(host)) return done([host])
    if (this.waiting === MAX_WAITING) return this.drop('busy')
    this.waiting++
    this.options.services.world.resolve(host, (error, found) => {
      this.waiting--
      if (this.over) return
      if (error !== null || found.length === 0) this.drop('name')
      else done(found.map(({ address }) => address))
    })
  }

  /** To the very address that was checked (F8). */
  private send(addresses: readonly string[], port: number, data: Buffer): void {
    const { guard } = this.options
    const allowed = addresses.filter((address) => guard.allows(address, port))
    // Who talks to one of a name's addresses goes on with that one.
    const address = allowed.find((each) => this.peers.has(peerKey({ address: each, port }))) ?? allowed[0]
    if (address === undefined) return this.drop('guard')
    const socket = this.outerFor(address.includes(':') ? 6 : 4)
    if (socket.queuedBytes > MAX_QUEUED_BYTES) return this.drop('busy')
    this.remember(peerKey({ address, port }))
    this.exchange.bytesIn += data.length
    socket.send([data], { address, port }, () => this.drop('unsent'))
  }

  private remember(peer: string): void {
    this.peers.delete(peer)
    if (this.peers.size === MAX_PEERS) {
      for (const oldest of this.peers) {
        this.peers.delete(oldest)
        break
      }
    }
    this.peers.add(peer)
  }

  private outerFor(family: 4 | 6): UdpSocket {
    const open = this.outer.get(family)
    if (open !== undefined) return open
    const socket = this.bind(family === 6 ? '::' : '0.0.0.0', {
      ready: () => {},
      failed: () => {
        this.drop('unsent')
        this.outer.delete(family)
        this.unbind(socket)
      },
      received: (data, from) => this.fromTarget(data, from),
    })
    this.outer.set(family, socket)
    return socket
  }

  private fromTarget(data: Buffer, from: UdpAddress): void {
    const { inner, client, exchange } = this
    if (inner === null || !this.peers.has(peerKey(from))) return this.drop('stranger')
    const now = this.moved()
    if (now < this.downFrom || inner.queuedBytes > MAX_QUEUED_BYTES) return this.drop('busy')
    this.downFrom = now + (exchange.meter?.moved(data.length, 'down') ?? 0)
    if (exchange.firstByteAt === 0) exchange.firstByteAt = now
    exchange.bytesOut += data.length
    inner.send([socksDatagramHead(from.address, from.port), data], client, () => this.drop('unsent'))
  }

  /** The time, of which the next `tunnelStall` counts. */
  private moved(): number {
    const { services, config } = this.options
    const now = services.world.now()
    services.timers.set(this.deadline, 'stall', now, config.limits.tunnelStall)
    return now
  }

  private drop(reason: DropReason): void {
    if (this.dropped.add(reason) && reason === 'parent')
      this.options.services.notify('warn', 'datagrams do not go through parents', this.who())
  }

  private who(): Record<string, unknown> {
    const { session, clientAddress, user } = this.exchange
    return { listener: session.listener, client: clientAddress, ...(user !== '' && { user }) }
  }

  private close(error: TurnpikeError | null): void {
    if (this.over) return
    this.over = true
    this.ended()
    const { exchange, taken, inner, outer, dropped } = this
    const { services } = this.options
    services.timers.remove(this.deadline)
    for (const socket of [...(inner === null ? [] : [inner]), ...outer.values()]) this.unbind(socket)
    const { counts } = dropped
    if (counts !== null) services.notify('info', 'datagrams were dropped', { ...this.who(), ...counts })
    if (taken === null) {
      if (error !== null && error.code !== 'ERR_CLIENT_ABORT') exchange.fail(error)
      return
    }
    services.ledger.strike('tunnels')
    if (error === null) taken.socket.end()
    else {
      exchange.error ??= error
      cutSocket(taken.socket, exchange.session.tls !== null)
    }
    taken.done()
  }
}

function peerKey({ address, port }: UdpAddress): string {
  return `${address} ${port}`
}

function ignore(): void {}
