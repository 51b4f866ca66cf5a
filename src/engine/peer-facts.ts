import type { SessionFacts } from './session.ts'
import type { Socket } from './world.ts'

/** Where an accepted socket comes from; null where it has gone already. `unix:` stands for a peer without address. */
export function peerFacts(listener: string, socket: Socket, isUnix: boolean): SessionFacts | null {
  if (isUnix) {
    const unix = 'unix:'
    return {
      listener,
      clientAddress: unix,
      clientPort: 0,
      peerAddress: unix,
      localAddress: unix,
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

/** A dual-stack socket reports IPv4 peers as `::ffff:192.0.2.1` (RFC 4291 §2.5.5.2). */
function unmapped(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address
}
