import { canonicalHost } from '../../core/canonical-host.ts'
import { ipBytes, isIPv4 } from '../../core/ip.ts'

/** An address and a port. */
export interface SocketEnd {
  address: string
  port: number
}

/** Calls of the C library that node:net does not make. */
interface Calls {
  getsockopt(descriptor: number, level: number, option: number, value: Uint8Array, length: Uint8Array): number
  setsockopt(descriptor: number, level: number, option: number, value: Uint8Array, length: number): number
  socket(family: number, kind: number, protocol: number): number
  bind(descriptor: number, address: Uint8Array, length: number): number
  listen(descriptor: number, backlog: number): number
  close(descriptor: number): number
}

// asm-generic/socket.h, linux/in.h, linux/in6.h, linux/netfilter_ipv4.h, linux/netfilter_ipv6/ip6_tables.h
const AF_INET = 2
const AF_INET6 = 10
const SOL_SOCKET = 1
const SO_REUSEADDR = 2
const SOL_IP = 0
const IP_TRANSPARENT = 19
const SO_ORIGINAL_DST = 80
const SOL_IPV6 = 41
const IPV6_TRANSPARENT = 75
const IP6T_SO_ORIGINAL_DST = 80
const SOCK_STREAM = 1
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const BACKLOG = 511

/** What transparent proxying needs of Linux: where a connection was going, and sockets that take others' connections. */
export class LinuxSockets {
  private static opened: LinuxSockets | null = null
  private readonly calls: Calls

  private constructor(calls: Calls) {
    this.calls = calls
  }

  /** The one of this process. Throws an Error that says what is missing. */
  static open(): LinuxSockets {
    LinuxSockets.opened ??= new LinuxSockets(openCalls())
    return LinuxSockets.opened
  }

  /** Where a connection was going when a REDIRECT rule took it; null where the kernel knows of none. */
  originalDestination(descriptor: number): SocketEnd | null {
    for (const [level, option] of [
      [SOL_IP, SO_ORIGINAL_DST],
      [SOL_IPV6, IP6T_SO_ORIGINAL_DST],
    ] as const) {
      const value = Buffer.alloc(28)
      const length = Buffer.from(Uint32Array.of(value.length).buffer)
      if (this.calls.getsockopt(descriptor, level, option, value, length) === 0) return readAddress(value)
    }
    return null
  }

  /** A listening socket that takes connections to addresses of others (TPROXY). Throws an Error that says why not. */
  transparentListener({ address, port }: SocketEnd): number {
    const { calls } = this
    const family = isIPv4(address) ? AF_INET : AF_INET6
    const descriptor = calls.socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
    if (descriptor < 0) throw new Error('no socket could be made')
    try {
      const on = Buffer.from(Int32Array.of(1).buffer)
      const set = (level: number, option: number): boolean =>
        calls.setsockopt(descriptor, level, option, on, on.length) === 0
      set(SOL_SOCKET, SO_REUSEADDR)
      if (!(family === AF_INET ? set(SOL_IP, IP_TRANSPARENT) : set(SOL_IPV6, IPV6_TRANSPARENT)))
        throw Object.assign(new Error('a socket for TPROXY needs the capability CAP_NET_ADMIN'), { code: 'EPERM' })
      const end = writeAddress(family, address, port)
      if (calls.bind(descriptor, end, end.length) !== 0 || calls.listen(descriptor, BACKLOG) !== 0)
        throw new Error('the address is in use, or is no address of this machine')
      return descriptor
    } catch (error) {
      calls.close(descriptor)
      throw error
    }
  }
}

/** The descriptor of a socket of node:net, which has no public name for it. */
export function descriptorOf(socket: object): number | null {
  const handle: unknown = Reflect.get(socket, '_handle')
  const descriptor: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : null
  return typeof descriptor === 'number' && descriptor >= 0 ? descriptor : null
}

function openCalls(): Calls {
  if (process.platform !== 'linux') throw new Error('only Linux hands over connections that it captures')
  const ffi = process.getBuiltinModule('node:ffi')
  // Typed as always there; added in Node 26.1, and left out of some builds.
  // oxlint-disable-next-line typescript/no-unnecessary-condition
  if (ffi === undefined) throw new Error('this Node has no node:ffi: it takes Node 26.1 or later')
  const i32 = 'i32'
  const { functions } = ffi.dlopen(null, {
    getsockopt: { arguments: [i32, i32, i32, 'buffer', 'buffer'], return: i32 },
    setsockopt: { arguments: [i32, i32, i32, 'buffer', 'u32'], return: i32 },
    socket: { arguments: [i32, i32, i32], return: i32 },
    bind: { arguments: [i32, 'buffer', 'u32'], return: i32 },
    listen: { arguments: [i32, i32], return: i32 },
    close: { arguments: [i32], return: i32 },
  })
  return functions
}

/** sockaddr_in and sockaddr_in6: the family in the machine's order of bytes, the port in the network's. */
function readAddress(bytes: Buffer): SocketEnd | null {
  const family = familyOf(bytes)[0]
  const port = bytes.readUInt16BE(2)
  if (family === AF_INET) return { address: bytes.subarray(4, 8).join('.'), port }
  const groups = bytes.subarray(8, 24).toString('hex').match(/.{4}/g)
  const address = family === AF_INET6 && groups !== null ? canonicalHost(`[${groups.join(':')}]`) : null
  return address === null ? null : { address, port }
}

function familyOf(bytes: Buffer): Uint16Array {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, 1)
}

function writeAddress(family: number, address: string, port: number): Buffer {
  const bytes = Buffer.alloc(family === AF_INET ? 16 : 28)
  familyOf(bytes)[0] = family
  bytes.writeUInt16BE(port, 2)
  const ip = ipBytes(address)!
  bytes.set(family === AF_INET ? ip.subarray(12) : ip, family === AF_INET ? 4 : 8)
  return bytes
}
