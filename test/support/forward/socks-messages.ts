import { ipBytes, isIPv4 } from '../../../src/core/ip.ts'

/** A SOCKS5 greeting that offers these methods. */
export function greeting(...methods: number[]): Buffer {
  return Buffer.from([5, methods.length, ...methods])
}

export function login(username: string, password: string): Buffer {
  return Buffer.concat([
    Buffer.from([1, username.length]),
    Buffer.from(username),
    Buffer.from([password.length]),
    Buffer.from(password),
  ])
}

/** A SOCKS5 request: CONNECT unless another command is given. */
export function request(host: string, port: number, command = 1): Buffer {
  return Buffer.concat([Buffer.from([5, command, 0]), target(host, port)])
}

/** A SOCKS4 request; 4A where the host is a name. */
export function request4(host: string, port: number, command = 1): Buffer {
  const head = Buffer.from([4, command, port >> 8, port & 0xff])
  return isIPv4(host)
    ? Buffer.concat([head, ipBytes(host)!.subarray(12), Buffer.from('me\0')])
    : Buffer.concat([head, Buffer.from([0, 0, 0, 1]), Buffer.from(`me\0${host}\0`)])
}

/** A datagram as a client of the association sends it. */
export function datagram(host: string, port: number, data: string | Buffer, fragment = 0): Buffer {
  return Buffer.concat([Buffer.from([0, 0, fragment]), target(host, port), Buffer.from(data)])
}

function target(host: string, port: number): Buffer {
  const address = ipBytes(host)
  const where = Buffer.from([port >> 8, port & 0xff])
  if (address === null) return Buffer.concat([Buffer.from([3, host.length]), Buffer.from(host), where])
  return isIPv4(host)
    ? Buffer.concat([Buffer.from([1]), address.subarray(12), where])
    : Buffer.concat([Buffer.from([4]), address, where])
}
