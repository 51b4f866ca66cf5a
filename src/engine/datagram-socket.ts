import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from '../core/ip.ts'
import type { UdpAddress, UdpEvents, UdpSocket } from './world.ts'

/** A bound UDP socket on node:dgram. */
export class DatagramSocket implements UdpSocket {
  private readonly socket: Socket
  private closed = false

  /** `scarce`: the last descriptors are kept for accepting connections, so it fails as `socket()` would. */
  constructor({ address, port }: UdpAddress, events: UdpEvents, scarce: boolean) {
    const family = isIPv6(address) ? 6 : 4
    this.socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      ipv6Only: family === 6,
      // No name ever comes here, and none is to be looked up. Node does not await an answer before it has asked.
      lookup: (host, _options, done) => queueMicrotask(() => done(null, host, family)),
    })
    this.socket.on('error', (error) => {
      if (this.closed) return
      this.close()
      events.failed(error)
    })
    this.socket.on('listening', () => {
      if (!this.closed) events.ready()
    })
    this.socket.on('message', (data, from) => {
      if (!this.closed) events.received(data, from)
    })
    if (scarce) queueMicrotask(() => this.socket.emit('error', outOfDescriptors()))
    else this.socket.bind({ address, port })
  }

  address(): UdpAddress {
    return this.socket.address()
  }

  get queuedBytes(): number {
    return this.closed ? 0 : this.socket.getSendQueueSize()
  }

  send(parts: readonly Uint8Array[], { address, port }: UdpAddress, failed: (error: Error) => void): void {
    if (this.closed) return
    this.socket.send([...parts], port, address, (error) => {
      if (error !== null && !this.closed) failed(error)
    })
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.socket.close()
  }
}

function outOfDescriptors(): Error {
  return Object.assign(new Error('file descriptors are running out'), { code: 'EMFILE' })
}
