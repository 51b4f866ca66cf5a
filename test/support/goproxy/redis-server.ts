import type { TestCertificate } from '../certificates.ts'
import { freePort } from '../peers/free-port.ts'
import { peerFolder, spawnPeer, type Peer } from '../peers/spawn-peer.ts'

export interface RedisPlan {
  /** Default: one that is free. */
  port?: number
  /** Default: none is asked for. */
  password?: string
  /** Speaks TLS, with this certificate. Default: plain text. */
  certificate?: TestCertificate
}

/** A Redis server that keeps nothing on disk. */
export async function startRedis({ port, password, certificate }: RedisPlan = {}): Promise<Peer> {
  const listening = port ?? (await freePort())
  return spawnPeer({
    name: 'redis',
    command: [
      'redis-server',
      ...'--bind 127.0.0.1 --appendonly no --save'.split(' '),
      '',
      ...(certificate === undefined ? ['--port', String(listening)] : tlsArguments(listening, certificate)),
      ...(password === undefined ? [] : ['--requirepass', password]),
    ],
    port: listening,
    folder: peerFolder('redis'),
  })
}

function tlsArguments(port: number, { certFile, keyFile }: TestCertificate): string[] {
  const files = ['--tls-cert-file', certFile, '--tls-key-file', keyFile, '--tls-ca-cert-file', certFile]
  return ['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no', ...files]
}
