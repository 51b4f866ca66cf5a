import { freePort } from '../peers/free-port.ts'
import { peerFolder, spawnPeer, type Peer } from '../peers/spawn-peer.ts'

export interface RedisPlan {
  /** Default: one that is free. */
  port?: number
  /** Default: none is asked for. */
  password?: string
  /** Further arguments. */
  args?: readonly string[]
}

/** A Redis server that keeps nothing on disk. */
export async function startRedis({ port, password, args = [] }: RedisPlan = {}): Promise<Peer> {
  const listening = port ?? (await freePort())
  return spawnPeer({
    name: 'redis',
    command: [
      'redis-server',
      ...['--bind', '127.0.0.1', '--port', String(listening), '--save', '', '--appendonly', 'no'],
      ...(password === undefined ? [] : ['--requirepass', password]),
      ...args,
    ],
    port: listening,
    folder: peerFolder('redis'),
  })
}
