import { lookup } from 'node:dns'
import { performance } from 'node:perf_hooks'
import { connect, Socket as NetSocket } from 'node:net'
import { TurnpikeError } from '../core/error.ts'
import { Descriptors } from './listen/descriptors.ts'
import { DatagramSocket } from './datagram-socket.ts'
import { ListeningServer } from './listen/listening-server.ts'
import { descriptorOf, LinuxSockets } from './original-destination/linux-sockets.ts'
import { Resolver } from './dial/resolver.ts'
import type { BindAddress, DialAddress, DialEvents, ListenEvents, ListeningSocket } from './world.ts'
import type { ResolvedAddress, Socket, TimerHandle, UdpAddress, UdpEvents, UdpSocket, World } from './world.ts'

const READ_BUFFER_BYTES = 65_536

/** The world of this machine: node:net, the clock, the system's resolver. */
export function realWorld(): World {
  return new RealWorld()
}

class RealWorld implements World {
  /** What all dialled sockets read into, unless their reader gives a buffer of its own. */
  private readonly readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES)
  private readonly descriptors = new Descriptors()
  private readonly resolver = new Resolver(systemLookup, () => this.now())

  now(): number {
    return performance.now()
  }

  wallClock(): number {
    return Date.now()
  }

  setTimer(run: () => void, delayMs: number): TimerHandle {
    return new RealTimer(run, delayMs)
  }

  soon(run: () => void): void {
    // oxlint-disable-next-line no-restricted-globals -- this is the world
    setImmediate(run)
  }

  random(): number {
    return Math.random()
  }

  listen(address: BindAddress, events: ListenEvents): ListeningSocket {
    return new ListeningServer(address, events, this.descriptors)
  }

  dial(address: DialAddress, events: DialEvents): Socket {
    const socket = this.descriptors.scarce() ? withoutDescriptor() : this.open(address, events)
    socket.on('connect', () => events.connected())
    socket.on('end', () => events.ended())
    socket.on('error', (error) => events.failed(error))
    socket.on('close', () => events.closed())
    return socket
  }

  bindUdp(address: UdpAddress, events: UdpEvents): UdpSocket {
    return new DatagramSocket(address, events, this.descriptors.scarce())
  }

  resolve(name: string, done: (error: Error | null, addresses: ResolvedAddress[]) => void): void {
    this.resolver.resolve(name, done)
  }

  originalDestination(socket: Socket): { address: string; port: number } {
    const descriptor = descriptorOf(socket)
    const found = descriptor === null ? null : LinuxSockets.open().originalDestination(descriptor)
    if (found === null) throw new TurnpikeError('ERR_ORIGINAL_DESTINATION')
    return found
  }

  private open(address: DialAddress, events: DialEvents): NetSocket {
    const shared = this.readBuffer
    let current: Buffer = shared
    let started = false
    return connect({
      ...(address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port }),
      allowHalfOpen: true,
      noDelay: true,
      autoSelectFamily: false,
      onread: {
        // Node asks once before the first read and once after each.
        buffer: () => {
          const last = current
          current = started ? (events.nextBuffer() ?? shared) : shared
          // What is no buffer keeps the last one, which is cheaper than setting it again.
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion
          if (started && current === last) return null as unknown as Uint8Array
          started = true
          return current
        },
        callback: (length) => events.read(length, current),
      },
    })
  }
}

class RealTimer implements TimerHandle {
  private readonly timeout: NodeJS.Timeout

  constructor(run: () => void, delayMs: number) {
    // oxlint-disable-next-line no-restricted-globals -- this is the world
    this.timeout = setTimeout(run, delayMs)
    this.timeout.unref()
  }

  cancel(): void {
    clearTimeout(this.timeout)
  }
}

/** Fails as `socket()` would, while the last descriptors stay free for accepting. */
function withoutDescriptor(): NetSocket {
  const socket = new NetSocket()
  socket.destroy(Object.assign(new Error('file descriptors are running out'), { code: 'EMFILE' }))
  return socket
}

function systemLookup(name: string, done: (error: Error | null, addresses: ResolvedAddress[]) => void): void {
  lookup(name, { all: true, order: 'verbatim' }, (error, addresses) =>
    done(
      error,
      error === null ? addresses.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 })) : [],
    ),
  )
}
