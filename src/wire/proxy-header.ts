import { ipBytes, isIPv4 } from '../core/ip.ts'

/** Of the PROXY protocol: a line of text, or binary. */
export type ProxyVersion = 'v1' | 'v2'

/** The connection that a header speaks of: where it came from, and where it came in. */
export interface ProxiedConnection {
  clientAddress: string
  clientPort: number
  localAddress: string
  localPort: number
}

const signature = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a])

/**
 * The PROXY protocol header for a connection (HAProxy's specification, 2020/03/05); it says that the client is not
 * known where one of the ends is no IP address.
 */
export function proxyHeader(version: ProxyVersion, connection: ProxiedConnection): Buffer {
  const { clientAddress, clientPort, localAddress, localPort } = connection
  const client = ipBytes(clientAddress)
  const local = ipBytes(localAddress)
  const known = client !== null && local !== null
  const isFour = isIPv4(clientAddress) && isIPv4(localAddress)
  if (version === 'v1') {
    // §2.1: UNKNOWN where there are no addresses to give.
    if (!known) return Buffer.from('PROXY UNKNOWN\r\n')
    const ends = isFour ? [clientAddress, localAddress] : [sixText(clientAddress), sixText(localAddress)]
    return Buffer.from(`PROXY TCP${isFour ? 4 : 6} ${ends.join(' ')} ${clientPort} ${localPort}\r\n`, 'latin1')
  }
  // §2.2: version 2, command LOCAL (0) or PROXY (1); family INET (1) or INET6 (2), transport STREAM (1).
  if (!known) return Buffer.concat([signature, Buffer.from([0x20, 0, 0, 0])])
  const ports = Buffer.alloc(4)
  ports.writeUInt16BE(clientPort, 0)
  ports.writeUInt16BE(localPort, 2)
  // §2.2: an IPv4 address is its last four bytes where both are; else both have sixteen.
  const addresses = isFour ? [client.subarray(12), local.subarray(12)] : [client, local]
  const block = Buffer.concat([...addresses, ports])
  return Buffer.concat([signature, Buffer.from([0x21, isFour ? 0x11 : 0x21, 0, block.length]), block])
}

/** RFC 4291 §2.5.5.2: both ends are of one family, so an IPv4 address beside an IPv6 one is written as mapped. */
function sixText(address: string): string {
  return address.includes(':') ? address : `::ffff:${address}`
}
