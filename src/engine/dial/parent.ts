import type { BasicLogin } from '../../core/basic-credentials.ts'
import { ConnectHandshake } from '../../wire/tunnel/connect-handshake.ts'
import { Socks4Handshake } from '../../wire/tunnel/socks4-handshake.ts'
import { Socks5Handshake } from '../../wire/tunnel/socks5-handshake.ts'
import type { TunnelHandshake, TunnelTarget } from '../../wire/tunnel/tunnel-handshake.ts'
import type { UpstreamSecurity } from '../tls/upstream-security.ts'

/** Another proxy that connections go through. */
export interface Parent {
  /** As the config names it. */
  readonly name: string
  readonly kind: 'http' | 'socks5' | 'socks4'
  readonly host: string
  readonly port: number
  /** Null: spoken to in plain text. */
  readonly tls: UpstreamSecurity | null
  readonly credentials: BasicLogin | null
}

/** The parents that a connection goes through, the nearest one first. */
export interface ParentRoute {
  /** Stands for the parents in keys of shared pools. */
  readonly key: string
  /** Those on the way to a host: without the ones that it is excepted from. */
  to(host: string): readonly Parent[]
}

/** How a parent is asked for a tunnel. */
export function handshakeWith({ kind, credentials }: Parent, target: TunnelTarget): TunnelHandshake {
  const Handshake = { http: ConnectHandshake, socks5: Socks5Handshake, socks4: Socks4Handshake }[kind]
  return new Handshake(target, credentials)
}
