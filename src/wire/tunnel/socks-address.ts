import { ipBytes, isIPv4 } from '../../core/ip.ts'
import { TunnelRefusal } from './tunnel-handshake.ts'

/** A host as SOCKS5 names it: its type, then an address, or a name with its length before it (RFC 1928 §5). */
export function socksAddress(host: string): Buffer {
  const address = ipBytes(host)
  if (address !== null)
    return isIPv4(host)
      ? Buffer.concat([Buffer.from([1]), address.subarray(12)])
      : Buffer.concat([Buffer.from([4]), address])
  const name = Buffer.from(host, 'latin1')
  if (name.length > 255) throw new TunnelRefusal('refused', 'the name is longer than SOCKS can say')
  return Buffer.concat([Buffer.from([3, name.length]), name])
}
