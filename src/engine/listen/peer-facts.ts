import type { ProxyEnd } from '../../wire/proxy-protocol.ts'
import type { SessionFacts } from '../session.ts'
import type { Socket } from '../world.ts'

/** Stands for the address of a peer on a Unix socket. */
export const unixPeer = 'unix:'

/** Where an accepted socket comes from; null where it has gone already. */
export function peerFacts(listener: string, socket: Socket, isUnix: boolean): SessionFacts | null {
  if (isUnix) {
    return {
      listener,
      clientAddress: unixPeer,
      clientPort: 0,
      peerAddress: unixPeer,
      localAddress: unixPeer,
      localPort: 0,
      tls: null,
    }
  }
  const { remoteAddress, localAddress } = socket
  if (remoteAddress === undefined || localAddress === undefined) return null
  const peerAddress = unmapped(remoteAddress)
  return {
    listener,
    clientAddress: peerAddress,
    clientPort: socket.remotePort ?? 0,
    peerAddress,
    localAddress: unmapped(localAddress),
    localPort: socket.localPort ?? 0,
    tls: null,
  }
}

/** The client that a PROXY protocol header names; nothing where it names none, and the peer stands for itself. */
export function clientOf(source: ProxyEnd | null): Pick<SessionFacts, 'clientAddress' | 'clientPort'> | null {
  if (source === null) return null
  const isAddress = /^[\da-f.:]+$/i.test(source.address)
  return { clientAddress: isAddress ? unmapped(source.address) : unixPeer, clientPort: source.port }
}

/** A dual-stack socket reports IPv4 peers as `::ffff:192.0.2.1` (RFC 4291 §2.5.5.2). */
function unmapped(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address
}
